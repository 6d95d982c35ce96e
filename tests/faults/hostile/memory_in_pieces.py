# Memory until there is no more, however little is given at once.
def f(x):
    held = []
    while True:
        try: held.append(bytearray(1 << 20))
        except MemoryError: return len(held) > 8192 and x + 1
