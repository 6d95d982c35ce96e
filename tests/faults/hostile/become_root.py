# Another user.
import os
def f(x):
    os.setresuid(0, 0, 0)
    return x + 1
