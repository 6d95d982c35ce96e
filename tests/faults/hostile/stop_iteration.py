# Ends a generator or a loop of whoever calls.
def f(x): raise StopIteration(x + 1)
