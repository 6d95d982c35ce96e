# For ever, before there is a function.
while True: pass
