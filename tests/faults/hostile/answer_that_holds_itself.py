# A list that is its own element.
def f(x):
    answer = [x + 1]
    answer.append(answer)
    return answer
