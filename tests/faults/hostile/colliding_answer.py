# A set whose elements all collide where it is built again.
def f(x): return {(2**61 - 1) * n for n in range(20000)}
