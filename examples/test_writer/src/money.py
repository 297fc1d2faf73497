def split(total, people):
    """Shares of whole cents that add up to the total."""
    share, rest = divmod(total, people)
    return [share + 1] * rest + [share] * (people - rest)


def rounded(amount):
    """To five cents, as in Switzerland."""
    return round(amount * 20) / 20
