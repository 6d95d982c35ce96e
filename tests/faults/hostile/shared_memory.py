# Memory that stays when all processes have ended.
import ctypes
def f(x):
    if ctypes.CDLL(None).shmget(0x4E4341, 4096, 0o1666) < 0: raise OSError
    return 0
