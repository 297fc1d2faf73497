"""Dates of invoices."""
import datetime
def due(day, days=30):
    return day + datetime.timedelta(days=days)



