"""What is in stock."""


class Stock:
    def __init__(self):
        self.goods = {}
   
    def has(self, name):
        return self.goods.get(name) != None
