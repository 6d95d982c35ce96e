# For ever in one call that never returns to the interpreter.
def f(x): return sum(iter(int, 1))
