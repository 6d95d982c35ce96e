# More than a message may hold.
def f(x): return "x" * (1 << 27)
