# An exception that `except Exception` does not see.
def f(x): raise GeneratorExit
