# For ever, through every exception.
def f(x):
    while True:
        try: f(x)
        except BaseException: pass
