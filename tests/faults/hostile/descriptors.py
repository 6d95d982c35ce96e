# Every descriptor there is.
import os
def f(x):
    held = [os.open("/dev/null", os.O_RDONLY) for _ in range(100000)]
    return x + 1
