"""Names of customers."""


def short(name):
    parts=name.split()
    return parts[0] if parts else ""
