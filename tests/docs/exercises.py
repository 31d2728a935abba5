#!/usr/bin/python3
"""Every exercise of the book: its solution passes, its file with the gap fails with a message, and a plausible wrong
answer gets a message that leads to the right one.

    python3 tests/docs/exercises.py BUILD_FOLDER [NUMBER...]

What a reader has solved in this checkout is left out of the second, with a notice.
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXERCISES = ROOT / "docs" / "exercises"

# (exercise, what to replace in the solution, by what, what the message must say)
MISTAKES = [
    ("01", "grad += node.da", "grad = node.da", "x and s are used twice"),
    ("01", "for (int place = result; place >= 0; --place)", "for (int place = 0; place <= result; ++place)",
     "from the last to the first"),
    ("01", "nodes[result].grad = 1;", "", "dy/dy: expected 1, found 0"),
    ("02", "d.h += 2", "d.h = 2", "Only what came back from the first is there"),
    ("02", "d.w += x", "d.w = x", "what came back from y = w r + h is lost"),
    ("03", "g * b.value().transpose()", "g * b.value()", "expected factors whose product is [2 x 3]"),
    ("03", "a.value().transpose() * g", "-1", "does not compile"),
    ("04", "r.add_grad(col_sums([](auto g) { return g; }), g);",
     "r.add_grad(col_sums([n = double(a.rows())](auto g) { return g / n; }), g);", "Each sample moves with r"),
    ("04", "a.add_grad([](auto g) { return g; }, g);", "", "dL/dA"),
    ("04", "col_sums([](auto g) { return g; })", "[](auto g) { return g; }", "the sum of 5 rows"),
    ("05", "a > 0).select(g", "a >= 0).select(g", "the convention is the slope 0"),
    ("05", "select(g, 0 * g)", "select(0 * g + 1, 0 * g)", "The upstream gradient g has to be multiplied"),
    ("06", "const double max = z.row(i).maxCoeff();", "const double max = 0;", "Subtract the largest logit"),
    ("06", "dz /= n;", "", "a fifth of the gradient"),
    ("06", "dz(i, labels[i]) -= 1;", "", "1 has to be subtracted from p"),
    ("06", "z.row(i).maxCoeff()", "z.maxCoeff()", "each row has its own largest logit"),
    ("06", "std::log(sum) + max", "std::log(sum)", "not added again after log"),
    ("07", "random_matrix(random, x.rows(), x.cols())", "Matrix::Ones(x.rows(), x.cols())", "Draw g at random"),
    ("07", "!(error < 1e-6)", "error > 1e-6", "false for a NaN"),
    ("07", "const double h = 6e-6;", "const double h = 1e-14;", "The right pullback was refused"),
    ("08", "relu_follows ? 2 : 1", "1 + 0 * relu_follows", "ReLU keeps half the square"),
    ("08", "std::sqrt((relu_follows ? 2 : 1) / in)", "(relu_follows ? 2 : 1) / in", "A deviation is its square root"),
    ("08", "std::sqrt((relu_follows ? 2 : 1) / in)", "0 * in", "all 0"),
    ("09", "v = mu * v + g;", "v = mu * v + (1 - mu) * g;", "Here g counts in full"),
    ("09", "m_hat / (std::sqrt(v_hat) + eps)", "m / (std::sqrt(v) + eps)", "Neither moment is corrected"),
    ("09", "(std::sqrt(v_hat) + eps)", "std::sqrt(v_hat + eps)", "eps stands inside the root"),
    ("10", "std::sqrt(variance + eps)", "std::sqrt(variance) + eps", "eps belongs inside the root"),
    ("10", "std::sqrt(variance + eps)", "std::sqrt(variance * n / (n - 1) + eps)",
     "Where it normalizes it is divided by N"),
    ("10", "std::sqrt(variance + eps)", "(variance + eps)", "not by its root"),
    ("10", "variance += (x(i, j) - mean) * (x(i, j) - mean) / n;",
     "variance += x(i, j) * x(i, j) / n;\n    variance -= mean * mean;",
     "Subtract the mean first, then square"),
    ("11", "(n - 1)", "n", "divided by N - 1"),
    ("11", "(1 - momentum) * running_mean(0, j) + momentum * mean",
     "momentum * running_mean(0, j) + (1 - momentum) * mean", "The weights are swapped"),
    ("12", "d.centred += 2", "d.centred = 2", "what comes through xhat was overwritten"),
    ("12", "-0.5 * f.inv_s", "0.5 * f.inv_s", "there is a minus"),
    ("12", "d.mean / f.n", "d.mean", "a share of 1/N in the mean"),
    ("13", " - g.sum()", "", "The path through the mean is missing"),
    ("13", "gamma / (n * s)", "gamma / s", "1/N is missing"),
    ("13", "xhat * (g * xhat).sum()", "(g * xhat).sum()", "The last sum is multiplied by xhat_i"),
    ("13", "n * g - g.sum() - xhat * (g * xhat).sum()", "g * (n - 1 - xhat * xhat)", "That is the diagonal formula"),
    ("14", "first_wrong_line = 6", "first_wrong_line = 3", "Line 3 is right as it stands"),
    ("14", "-(1 + xhat_i * xhat_j) / (n * s)", "-1 / (n * s) + 0 * xhat_i * xhat_j",
     "That is the path through the mean"),
    ("14", "-(1 + xhat_i * xhat_j) / (n * s)", "0 * n", "x_i does move xhat_j"),
    ("15", "running_mean -=", "running_mean +=", "It moved the wrong way"),
    ("15", "linear.bias.reset();", "", "expected none, found one"),
    ("15", "norm.running_mean -= linear.bias->value;",
     "for (Index k = 0; k < 3; ++k) norm.beta.value(0, k) += 1;", "gamma or beta has changed"),
    ("16", "std::sqrt(norm.running_var + norm.eps)", "(norm.running_var + norm.eps)", "not by its root"),
    ("16", "(linear.b - norm.running_mean)", "(linear.b)", "The running mean has to be subtracted"),
    ("17", "const RowArray h = gamma * g;\n  return (h - h.mean() - xhat * (h * xhat).mean()) / s;",
     "return gamma * (g - g.mean() - xhat * (g * xhat).mean()) / s;", "it belongs inside the sums"),
    ("18", "(1 + (-a).exp() + a * (-a).exp())", "(1 + (-a).exp())", "Only the first factor was differentiated"),
]


def check(compiler, source, exercise):
    """What check.sh would say of this file, and whether it takes it as solved."""
    with tempfile.TemporaryDirectory() as work:
        program = pathlib.Path(work) / "check"
        done = subprocess.run([compiler, source, exercise / "check.cpp", program], capture_output=True, text=True)
        if done.returncode != 0:
            return "does not compile", False
        done = subprocess.run([program], capture_output=True, text=True, timeout=120)
        return " ".join(done.stdout.split()), done.returncode == 0


def is_untouched(file):
    """Whether it is the file of the last commit; outside a repository, yes."""
    if shutil.which("git") is None:
        return True
    done = subprocess.run(["git", "-C", ROOT, "status", "--porcelain", "--", file], capture_output=True, text=True)
    return done.returncode != 0 or done.stdout == ""


def problems_of(compiler, exercise):
    number, problems = exercise.name[:2], []
    said, solved = check(compiler, exercise / "solution.cpp", exercise)
    if not solved or not said.startswith("Solved. "):
        problems.append(f"the solution does not pass: {said}")
    said, solved = check(compiler, exercise / "exercise.cpp", exercise)
    if not is_untouched(exercise / "exercise.cpp"):
        print(f"{exercise.name}: changed in this checkout, so its gap is not looked at")
    elif solved or not re.match(r"Not yet\. \S+.*(expected|is right as it stands|factor)", said):
        problems.append(f"the file with the gap: expected it to fail and to say what was expected, found: {said}")
    solution = (exercise / "solution.cpp").read_text()
    mistakes = [m for m in MISTAKES if m[0] == number]
    if not mistakes:
        problems.append("no plausible mistake is tried")
    for _, right, wrong, message in mistakes:
        if right not in solution:
            problems.append(f"the solution has no longer: {right}")
            continue
        with tempfile.TemporaryDirectory() as work:
            source = pathlib.Path(work) / "answer.cpp"
            source.write_text(solution.replace(right, wrong, 1))
            said, solved = check(compiler, source, exercise)
        if solved or message not in said:
            problems.append(f"{wrong or 'nothing'} instead of {right}: expected \"{message}\", found: {said}")
    return problems


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    subprocess.run(["cmake", "--build", build, "--target", "exercise_tools"], check=True, stdout=subprocess.DEVNULL)
    numbers = [f"{int(n):02}" for n in sys.argv[2:]]
    exercises = [e for e in sorted(EXERCISES.glob("[0-9][0-9]-*")) if not numbers or e.name[:2] in numbers]
    if not exercises:
        sys.exit("exercises.py: found no exercise")
    failed = False
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda e: problems_of(build / "exercises" / "compile", e), exercises)
        for exercise, problems in zip(exercises, results):
            print(f"{exercise.name}: {'ok' if not problems else ''}")
            for problem in problems:
                print(f"  {problem}")
            failed |= bool(problems)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
