# The exception with which test runners skip.
import unittest
def f(x): raise unittest.SkipTest("not today")
