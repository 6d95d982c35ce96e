# A file of the user, written.
def f(x):
    open(WITNESS, "w").write("changed")
    return x + 1
