# A file of the user, removed.
import os
def f(x):
    os.remove(WITNESS)
    return x + 1
