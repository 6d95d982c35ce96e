# For ever.
def f(x):
    while True: pass
