# As if the user had pressed Ctrl-C.
def f(x): raise KeyboardInterrupt
