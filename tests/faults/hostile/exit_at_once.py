# Ends with exit code 0 before it defines anything.
import os
os._exit(0)
