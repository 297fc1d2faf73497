def initials(name):
    return "".join(part[0] for part in name.split())


def shorten(text, limit=20):
    """Cuts a text, with an ellipsis where something is missing."""
    return text if len(text) <= limit else text[:limit - 1] + "…"
