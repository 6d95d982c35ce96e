# The interpreter's own exit, which unwinds through whoever called.
import sys
def f(x): sys.exit(0)
