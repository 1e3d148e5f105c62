# Marginal densities of the conjugate families and of the Gaussian block as scipy.stats has them: betabinom, nbinom, t,
# dirichlet_multinomial, multivariate_t, multivariate_normal; at moderate scales and at scales where a difference of lgamma has no digit
# left. Each value is also computed here with 60 digits, from the textbook formula, by nothing but Python's decimal: "exact".
# "scipy" is null where SciPy itself is off by more than 1e-13.
#   scripts/parity families
import json
import os
from decimal import Decimal as D, getcontext
from fractions import Fraction

import numpy as np
from scipy import stats

getcontext().prec = 60
HERE = os.path.dirname(os.path.abspath(__file__))


def pi():  # Machin: pi/4 = 4 atan(1/5) - atan(1/239)
    def atan_inverse(k):
        total, power, n = D(0), D(1) / k, 1
        while abs(power) > D(10) ** -65:
            total += power / n if n % 4 == 1 else -power / n
            power /= k * k
            n += 2
        return total

    return 4 * (4 * atan_inverse(D(5)) - atan_inverse(D(239)))


LOG_2PI = (2 * pi()).ln()


def bernoulli(n):  # B_0 ... B_n, Akiyama and Tanigawa
    out, a = [], []
    for m in range(n + 1):
        a.append(Fraction(1, m + 1))
        for j in range(m, 0, -1):
            a[j - 1] = j * (a[j - 1] - a[j])
        out.append(a[0])
    return out


STIRLING = [(b.numerator, b.denominator * 2 * k * (2 * k - 1)) for k, b in enumerate(bernoulli(60)[2::2], 1)]


def lgamma(x):
    shift = D(1)
    while x < 60:
        shift *= x
        x += 1
    series = sum(D(p) / D(q) / x ** (2 * k - 1) for k, (p, q) in enumerate(STIRLING, 1))
    return (x - D(1) / 2) * x.ln() - x + LOG_2PI / 2 + series - shift.ln()


def lbeta(a, b):
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def lchoose(n, k):
    return -lbeta(n - k + 1, k + 1) - (n + 1).ln()


def betabinom(y, n, a, b):
    return lchoose(n, y) + lbeta(a + y, b + n - y) - lbeta(a, b)


def nbinom(y, a, b, c):  # Poisson(c x), x ~ Gamma(a, b)
    return lgamma(a + y) - lgamma(a) - lgamma(y + 1) + a * (b / (b + c)).ln() + y * (c / (b + c)).ln()


def student(y, m, s, a, b):  # N(m, s^2 x), all of y with one x ~ InvGamma(a, b)
    n = len(y)
    q = sum(((u - v) / w) ** 2 for u, v, w in zip(y, m, s)) / 2
    logs = sum(w.ln() for w in s)
    return a * b.ln() - lgamma(a) + lgamma(a + D(n) / 2) - (a + D(n) / 2) * (b + q).ln() - n * LOG_2PI / 2 - logs


def dirichlet_multinomial(counts, alpha):
    n, total = sum(counts), sum(alpha)
    return (lgamma(n + 1) - sum(lgamma(k + 1) for k in counts) + lgamma(total) - lgamma(total + n)
            + sum(lgamma(a + k) - lgamma(a) for a, k in zip(alpha, counts)))


def normal(y, mean, cov):  # by Cholesky
    n = len(y)
    lower = [[D(0)] * n for _ in range(n)]
    for i in range(n):
        for j in range(i + 1):
            rest = cov[i][j] - sum(lower[i][k] * lower[j][k] for k in range(j))
            lower[i][j] = rest.sqrt() if i == j else rest / lower[j][j]
    z = []
    for i in range(n):
        z.append((y[i] - mean[i] - sum(lower[i][k] * z[k] for k in range(i))) / lower[i][i])
    return -n * LOG_2PI / 2 - sum(lower[i][i].ln() for i in range(n)) - sum(v * v for v in z) / 2


cases = []


def add(family, data, exact, scipy_value):
    scipy_value = float(scipy_value)
    exact = float(exact)
    good = np.isfinite(scipy_value) and abs(scipy_value - exact) <= 1e-13 * max(1.0, abs(exact))
    cases.append({"family": family, "data": data, "exact": exact, "scipy": scipy_value if good else None})


def d(values):
    return [D(float(v)) for v in values]


rng = np.random.default_rng(20240705)
SCALES = [1e-8, 1e-3, 0.3, 1.0, 7.5, 60.0, 1e4, 1e9, 1e15]

for a in SCALES:
    for b in SCALES:
        if a / b > 1e17 or b / a > 1e17:
            continue
        n = [4, 45, 45, 300, 2000]
        y = [1, 0, 45, 120, 1999]
        exact = sum(betabinom(D(k), D(m), D(a), D(b)) for k, m in zip(y, n))
        add("beta", {"N": 5, "n": n, "y": y, "a": a, "b": b}, exact, sum(stats.betabinom.logpmf(y, n, a, b)))

for a in SCALES:
    for ratio in (0.2, 3.0):
        b = a * ratio
        c = [float(v) for v in rng.uniform(0.5, 4, 5)]
        y = [0, 1, 5, 17, 400]
        exact = sum(nbinom(D(k), D(a), D(b), D(w)) for k, w in zip(y, c))
        add("gamma", {"N": 5, "y": y, "c": c, "a": a, "b": b}, exact,
            sum(stats.nbinom.logpmf(k, a, b / (b + w)) for k, w in zip(y, c)))

for family in ("inv_gamma", "precision"):
    for a in SCALES[1:]:
        for b in (a, 50 * a, 1e-4 * a):
            m = [float(v) for v in rng.normal(0, 2, 4)]
            s = [float(v) for v in rng.uniform(0.2, 3, 4)]
            y = [float(v) for v in rng.normal(0, 3, 4)]
            exact = sum(student([u], [v], [w], D(a), D(b)) for u, v, w in zip(d(y), d(m), d(s)))
            add(family, {"N": 4, "y": y, "m": m, "s": s, "a": a, "b": b}, exact,
                sum(stats.t.logpdf(y, 2 * a, m, np.array(s) * np.sqrt(b / a))))

for a in SCALES[1:]:
    m = [float(v) for v in rng.normal(0, 2, 6)]
    s = [float(v) for v in rng.uniform(0.2, 3, 6)]
    y = [float(v) for v in rng.normal(0, 3, 6)]
    add("shared_variance", {"N": 6, "y": y, "m": m, "s": s, "a": a, "b": 2 * a}, student(d(y), d(m), d(s), D(a), D(2 * a)),
        stats.multivariate_t.logpdf(y, m, np.diag(np.square(s)) * 2, df=2 * a))

for scale in SCALES:
    alpha = [float(v) for v in scale * np.array([1.0, 0.4, 2.5, 0.05])]
    counts = [12, 3, 0, 40]
    add("dirichlet", {"K": 4, "y": counts, "alpha": alpha}, dirichlet_multinomial(d(counts), d(alpha)),
        stats.dirichlet_multinomial.logpmf(counts, alpha, sum(counts)))

# beta ~ N(m0, diag(sb^2)), u_j ~ N(0, tau^2), y ~ N(X beta + u[g], sigma^2).
group = [1, 1, 2, 2, 2, 3, 3, 1]
for sb, tau, sigma in [(1, 1, 1), (2.5, 0.7, 1.3), (100, 5, 0.5), (1e6, 1, 1), (1e-6, 1e-8, 2), (3, 1e4, 1e-3), (1, 1e-20, 1)]:
    x = rng.normal(0, 1, (8, 2))
    m0 = rng.normal(0, 1, 2)
    y = rng.normal(0, 2, 8)
    z = np.array([[float(g == j) for j in (1, 2, 3)] for g in group])
    cov = x @ x.T * sb**2 + z @ z.T * tau**2 + np.eye(8) * sigma**2
    dx = [d(row) for row in x]
    exact_cov = [[sum(p * q for p, q in zip(dx[i], dx[j])) * D(sb) ** 2 + (D(tau) ** 2 if group[i] == group[j] else 0)
                  + (D(sigma) ** 2 if i == j else 0) for j in range(8)] for i in range(8)]
    mean = [sum(p * q for p, q in zip(row, d(m0))) for row in dx]
    try:
        scipy_value = stats.multivariate_normal.logpdf(y, x @ m0, cov)
    except np.linalg.LinAlgError:  # singular to its tolerance
        scipy_value = np.nan
    add("normal", {"N": 8, "P": 2, "J": 3, "X": x.tolist(), "g": group, "y": y.tolist(), "m0": m0.tolist(), "sb": sb, "tau": tau,
                   "sigma": sigma}, normal(d(y), mean, exact_cov), scipy_value)

for family in dict.fromkeys(case["family"] for case in cases):
    mine = [case for case in cases if case["family"] == family]
    print(family, len(mine), "cases,", sum(case["scipy"] is None for case in mine), "beyond SciPy's precision")
with open(os.path.join(HERE, "families.json"), "w") as file:
    import scipy

    lines = ",\n".join("  " + json.dumps(case) for case in cases)
    file.write('{\n "peer": "scipy ' + scipy.__version__ + '",\n "cases": [\n' + lines + "\n ]\n}\n")
