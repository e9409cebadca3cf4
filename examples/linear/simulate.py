"""Simulates data.csv and prints the least-squares fit that the posterior is close to."""

import csv
import math
import random
from pathlib import Path

ROWS, INTERCEPT, SLOPE, NOISE = 40, 1.5, -0.8, 0.5

random.seed(20240229)
points = []
for _ in range(ROWS):
    x = round(random.uniform(-3, 3), 3)
    points.append((x, round(INTERCEPT + SLOPE * x + random.gauss(0, NOISE), 3)))

with open(Path(__file__).parent / "data.csv", "w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["x", "y"])
    writer.writerows(points)

mean_x = sum(x for x, _ in points) / ROWS
mean_y = sum(y for _, y in points) / ROWS
sum_xx = sum((x - mean_x) ** 2 for x, _ in points)
slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / sum_xx
intercept = mean_y - slope * mean_x
residual = sum((y - intercept - slope * x) ** 2 for x, y in points)
sd = math.sqrt(residual / (ROWS - 2))
print(f"slope {slope:.5f} (se {sd / math.sqrt(sum_xx):.5f})")
print(f"intercept {intercept:.5f} (se {sd * math.sqrt(1 / ROWS + mean_x**2 / sum_xx):.5f})")
print(f"residual sd {sd:.5f}")
