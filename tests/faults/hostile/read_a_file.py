# A file of the user.
def f(x): return x + 1 if open(WITNESS).read() else 0
