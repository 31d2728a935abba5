#!/usr/bin/env python3
"""Whether what the program prints, but for errors, which are one line, fits in a terminal of 80 columns:
    python3 tests/apps/terminal.py PROGRAM"""
import fcntl, os, pty, re, struct, subprocess, sys, tempfile, termios

COLUMNS = 80
program = os.path.realpath(sys.argv[1])
checked = 0


def output(words, folder):
    """What the command writes to a terminal, which is its standard output and error."""
    main, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    child = subprocess.Popen([program, *words], stdin=subprocess.DEVNULL, stdout=other, stderr=other, cwd=folder,
                             env=environment)
    os.close(other)
    text = b""
    while True:
        try:
            some = os.read(main, 65536)
        except OSError:  # the child has closed it
            break
        if not some:
            break
        text += some
    os.close(main)
    return child.wait(), text.decode("utf-8", "replace")


def check(command, folder):
    global checked
    code, text = output(command.split(), folder)
    if code != 0:
        sys.exit(f"terminal: tare {command}: expected exit 0, found {code}:\n{text}")
    for line in re.split(r"[\r\n]+", re.sub(r"\x1b\[K", "", text)):
        if len(line) > COLUMNS:
            sys.exit(f"terminal: tare {command}: expected lines of at most {COLUMNS} characters, found {len(line)}:\n"
                     f"{line}")
    checked += len(text) > 0


with tempfile.TemporaryDirectory() as folder:
    code, text = output(["--help"], folder)
    commands = re.findall(r"\n  ([a-z]+) ", text[text.index("Commands"):text.index("Help")])
    if len(commands) < 11:
        sys.exit(f"terminal: expected the commands in the help, found {commands}")
    for command in ["", *commands, "data make", "data fetch", "data show"]:
        check(f"help {command}", folder)
    check("data make digits", folder)
    data = "--data digits"
    check(f"train {data} --epochs 2 --steps 100 --eval-every 40 --validation 1000 --keep best --save model "
          f"--log log.csv --layers layers.csv --checkpoint run.ckpt", folder)
    check("train --resume run.ckpt --steps 120", folder)
    check(f"train {data} --steps 9 --hidden 64,64,64 --residual --norm-place after --dropout 0.1", folder)
    check("train --data spirals --hidden 16 --steps 50", folder)
    check(f"eval model {data}", folder)
    check(f"compare {data} --out c --steps 30 --eval-every 10 --seeds 2 --hidden 16 --lrs 0.1,1 --dry-run", folder)
    check(f"compare {data} --out c --steps 30 --eval-every 10 --seeds 2 --hidden 16 --lrs 0.1,1", folder)
    check(f"compare {data} --out c1 --steps 30 --eval-every 10 --seeds 1 --hidden 16 --lrs 0.1", folder)
    check("data show digits", folder)
    check("fold model folded", folder)
    check(f"bench {data} --epochs 2 --work W3", folder)
    check("tape", folder)
    check("tape --norm layer --hidden 8,8 --rows 3", folder)
    check("gradcheck", folder)
    check("cancel", folder)
    check("cancel --checks", folder)
    for exhibit in "note-1 note-2 note-3 backward 1 2 3 4 5 6".split():
        check(f"cancel --exhibit {exhibit}", folder)
if checked < 40:
    sys.exit(f"terminal: expected 40 commands with output, found {checked}")
print(f"terminal: {checked} commands fit in {COLUMNS} columns")
