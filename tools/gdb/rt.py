"""rt.py - goroutines in gdb, of a live process and of a core.

    (gdb) source tools/gdb/rt.py
    (gdb) info goroutines
    * 1 running  "main"     app at main.c:30
      2 waiting  (chan receive)  rt_recv at chan.c:170
    (gdb) goroutine 2 bt            any command, as in a thread that stopped where the goroutine did
    (gdb) goroutine all bt

A parked goroutine's registers lie in its G; the function that switched has saved the others in its frame. An unwinder that is switched on for one command makes the
frame above gdb's frame 0 out of them: nothing of the process is written, so a core does as well as a process.
"""
import gdb
from gdb.unwinder import Unwinder

STATES = ["idle", "runnable", "running", "waiting", "syscall", "dead"]
IDLE, RUNNABLE, RUNNING, WAITING, BLOCKING, DEAD = range(6)
STATE_MASK = 0xff
STACK_BYTES = (64 << 10, 16 << 10, 256 << 10, 1 << 20)  # by enum rt_stack (runtime/src/parts/stackpool.c)
HIB_SAVED = 3
# As in runtime/src/sched/spawn.c.
COLOURS, COLOUR_BYTES = 16, 64
LITE_HEAD, APART_LITE = 128, 2  # runtime/src/sched/lite.h, proc/g.h
# Halves of public functions that the compiler may jump to (runtime/src/api/chan.c): shown as the whole.
WHOLE = {"recv_waiting": "rt_recv", "send_waiting": "rt_send"}
BACKTRACE = ("bt", "backtrace", "where")


def value(expression):
    return gdb.parse_and_eval(expression)


def atomic(v):
    """The plain value of an _Atomic field."""
    return v.cast(v.type.unqualified()) if v.type.code != gdb.TYPE_CODE_PTR else v


def goroutines():
    """Every G that lives, oldest first."""
    g = value("rti_g_all")
    while int(g) != 0:
        if state(g) not in (IDLE, DEAD):
            yield g
        g = g["all_next"]


def state(g):
    return int(atomic(g["status"])) & STATE_MASK


def reason(g):
    words = value("rti_deadlock_words")
    text = words[int(atomic(g["wait"]))]
    return text.string() if int(text) != 0 else "waiting"


def name(g):
    if int(g["name"]) == 0:
        return ""
    try:
        return '"%s"' % g["name"].string()
    except gdb.error:
        return ""


def thread_of(g):
    """gdb's thread that g is on: by the kernel's id, which needs no thread library."""
    m = value("rti_world.all_m")
    while int(m) != 0:
        if int(m["curg"]) == int(g):
            for t in gdb.selected_inferior().threads():
                if t.ptid[1] == int(m["tid"]):
                    return t
        m = m["all_next"]
    return None


class FrameId:
    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


class Parked(Unwinder):
    """Unwinds frame 0 of the selected thread into the goroutine `g`."""

    def __init__(self):
        super().__init__("lode-goroutine")
        self.g = None
        self.done = False

    def __call__(self, pending):
        if self.g is None or self.done:
            return None
        self.done = True  # only the innermost frame
        word = gdb.lookup_type("unsigned long")
        context = self.g["ctx"]
        sp, pc, fp = (int(context[f].cast(word)) for f in ("sp", "pc", "fp"))
        info = pending.create_unwind_info(FrameId(gdb.Value(sp - 16).cast(word), pending.read_register("pc")))
        x86 = "x86-64" in pending.architecture().name()

        def put(register, number):
            kind = pending.read_register(register).type
            info.add_saved_register(register, gdb.Value(number).cast(word).cast(kind))

        put("rsp" if x86 else "sp", sp)
        put("rip" if x86 else "pc", pc)
        put("rbp" if x86 else "x29", fp)
        return info


UNWINDER = Parked()
gdb.unwinder.register_unwinder(None, UNWINDER, replace=True)


class In:
    """Inside `with In(g)` the selected frame is g's innermost."""

    def __init__(self, g):
        self.g = g
        self.thread = thread_of(g) if state(g) in (RUNNING, BLOCKING) else None

    def __enter__(self):
        self.old = gdb.selected_thread()
        if self.thread:
            self.thread.switch()
            gdb.newest_frame().select()
            return self
        UNWINDER.g, UNWINDER.done = self.g, False
        gdb.invalidate_cached_frames()
        frame = gdb.newest_frame().older()
        if frame is None:
            self.__exit__()
            raise gdb.GdbError("no frames")
        frame.select()
        return self

    def __exit__(self, *unused):
        UNWINDER.g = None
        gdb.invalidate_cached_frames()
        if self.old:
            self.old.switch()


def place(frame):
    pc, name = frame.find_sal(), WHOLE.get(frame.name(), frame.name())
    where = "%s at %s:%d" % (name or "??", pc.symtab.filename, pc.line) if pc and pc.symtab else name
    return where or "0x%x" % frame.pc()


def frames(g):
    """Lines as gdb's bt prints them, innermost first. Only inside `with In(g)`."""
    frame, n = gdb.selected_frame(), 0
    while frame is not None:
        yield "#%-3d 0x%016x in %s" % (n, frame.pc(), place(frame))
        frame, n = frame.older(), n + 1


def started(g):
    return int(g["stack_lo"]) != 0


def copied_out(g):
    return int(atomic(g["hib"])) == HIB_SAVED


def number(v):
    return int(v.cast(gdb.lookup_type("unsigned long")))


class Copy:
    """The words of a stack that hibernates, unpacked (the format is in runtime/src/parts/stackcode.h)."""

    def __init__(self, g):
        self.sp = number(g["ctx"]["sp"])
        top = number(g["stack_lo"]) + STACK_BYTES[int(g["stack_class"])] - (LITE_HEAD if int(g["apart"]) & APART_LITE else int(g["id"]) % COLOURS * COLOUR_BYTES)
        words = (top - self.sp) // 8
        tag_bytes = (words + 15) // 16 * 4
        memory, packed = gdb.selected_inferior(), number(g["saved"])
        tags = bytes(memory.read_memory(packed, tag_bytes))
        tag = [tags[i // 4] >> i % 4 * 2 & 3 for i in range(words)]
        parts = bytes(memory.read_memory(packed + tag_bytes, 4 * sum((0, 1, 1, 2)[t] for t in tag)))
        upper = (0, self.sp >> 32, number(value("rti_stackcode_pack").address) >> 32, 0)
        self.words, at = [], 0

        def part():
            nonlocal at
            at += 4
            return int.from_bytes(parts[at - 4:at], "little")

        for t in tag:
            low = part() if t else 0
            self.words.append((part() if t == 3 else upper[t]) << 32 | low)

    def word(self, at):
        i = (at - self.sp) // 8
        return self.words[i] if at % 8 == 0 and 0 <= i < len(self.words) else 0

    def lines(self, g):
        """(pc, name, place) by frame pointers, innermost first."""
        pc, fp = number(g["ctx"]["pc"]), number(g["ctx"]["fp"])
        while pc:
            sal, block, names = gdb.find_pc_line(pc - 1), gdb.block_for_pc(pc - 1), []
            while block and not block.is_static and not block.is_global:  # what is inlined here, and into what
                if block.function:
                    names.append(WHOLE.get(block.function.name, block.function.name))
                block = block.superblock
            for name in names or ["??"]:
                yield pc, name, "%s at %s:%d" % (name, sal.symtab.filename, sal.line) if sal.symtab else name
            pc, older = self.word(fp + 8), self.word(fp)
            if fp and older <= fp:
                older = 0
            fp = older


def where(g):
    if not started(g):
        return "%s, never run" % g["fn"].format_string(raw=True)
    if copied_out(g):
        found = list(Copy(g).lines(g))
        return next((line for _, name, line in found if name.startswith("rt_")), found[0][2])
    try:
        with In(g):
            frame, first = gdb.selected_frame(), None
            while frame is not None:  # the program's call into the runtime, or the innermost frame
                first = first or frame
                if WHOLE.get(frame.name(), frame.name() or "").startswith("rt_"):
                    return place(frame)
                frame = frame.older()
            return place(first)
    except gdb.error as e:
        return str(e)


class InfoGoroutines(gdb.Command):
    """List the goroutines: id, state, name, and where each stands."""

    def __init__(self):
        super().__init__("info goroutines", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        selected = gdb.selected_thread()
        for g in goroutines():
            s = state(g)
            thread = thread_of(g) if s in (RUNNING, BLOCKING) else None
            mark = "*" if thread and selected and thread.num == selected.num else " "
            what = "%s (%s)" % (STATES[s], reason(g)) if s == WAITING else STATES[s]
            print("%s %d %s %s %s" % (mark, int(g["id"]), what, name(g), where(g)))


class Goroutine(gdb.Command):
    """goroutine ID COMMAND, goroutine all COMMAND: run a command where a goroutine stands.

    bt prints its frames; other commands (print, info locals, up ...) find its innermost frame selected."""

    def __init__(self):
        super().__init__("goroutine", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        which, _, command = argument.strip().partition(" ")
        if not which or not command:
            raise gdb.GdbError("usage: goroutine ID|all COMMAND")
        if which != "all" and not which.isdigit():
            raise gdb.GdbError("not a goroutine's id: %s" % which)
        chosen = [g for g in goroutines() if which == "all" or int(g["id"]) == int(which)]
        if not chosen:
            raise gdb.GdbError("no goroutine %s" % which)
        for g in chosen:
            if which == "all":
                print("goroutine %d [%s]:" % (int(g["id"]), reason(g) if state(g) == WAITING else STATES[state(g)]))
            self.run(g, command.strip())
            if which == "all":
                print("")

    def run(self, g, command):
        if not started(g):
            print("never run: %s" % g["fn"].format_string(raw=True))
            return
        if copied_out(g):
            if command not in BACKTRACE:
                raise gdb.GdbError("goroutine %d hibernates, its stack is copied out: only bt" % int(g["id"]))
            for n, (pc, _, line) in enumerate(Copy(g).lines(g)):
                print("#%-3d 0x%016x in %s" % (n, pc, line))
            return
        with In(g):
            if command in BACKTRACE:
                for line in frames(g):
                    print(line)
            else:
                gdb.execute(command)


InfoGoroutines()
Goroutine()
