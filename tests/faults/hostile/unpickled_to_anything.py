# An object that would run code where it is unpickled.
import os
class Bomb:
    def __reduce__(self): return (os._exit, (0,))
def f(x): return Bomb()
