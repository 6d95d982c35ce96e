# Small files that fill the disk together.
def f(x):
    for n in range(200): open(f"file{n}", "wb").write(bytes(1 << 19))
    return x + 1
