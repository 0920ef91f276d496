"""Ways to exchange, runnable: all of them work on the flat vector of parameters."""

from lamina.distribute.exchange import averaging, compressed, summing
from lamina.distribute.exchange.run import ExchangeRun, State, exchange_for, exchanges

__all__ = ["ExchangeRun", "State", "averaging", "compressed", "exchange_for", "exchanges", "summing"]
