import math


def area(radius):
    return math.pi * radius ** 2


class Box:
    def __init__(self, width, height):
        self.width = width
        self.height = height

    def diagonal(self):
        return math.hypot(self.width, self.height)
