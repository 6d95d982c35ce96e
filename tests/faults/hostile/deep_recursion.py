# Recursion until the stack runs out, with the interpreter's guard removed.
import sys
sys.setrecursionlimit(1 << 30)
def f(x): return f(x) + 1
