# A file of the user by links.
import os
def f(x):
    os.symlink(WITNESS, "here")
    return x + 1 if open("here").read() else 0
