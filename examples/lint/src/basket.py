"""A basket of goods."""


def total(goods):
    return sum(price for _, price in goods)   


def is_empty(goods):
    return not goods
