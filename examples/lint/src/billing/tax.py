"""Taxes."""

RATES = {"DE": 0.19, "FR": 0.2}


def gross(net, country):
	rate = RATES[country]
	return net * (1 + rate)
