# SPDX-License-Identifier: BSD-2-Clause
"""gdb commands for Ernst's nouns: tasks, threads, ports, spaces, maps, CPUs. Read-only; they work whenever the machine is stopped."""
import gdb


def items(head, type_name, field):
    """Elements of an intrusive queue (kern/queue.h)."""
    t = gdb.lookup_type("struct " + type_name)
    offset = next(f.bitpos // 8 for f in t.fields() if f.name == field)
    link = head["next"]
    while link != head.address:
        yield link.cast(gdb.lookup_type("char").pointer()).__sub__(offset).cast(t.pointer())
        link = link["next"]


def tasks():
    return items(gdb.parse_and_eval("task_list"), "task", "tk_link")


class Command(gdb.Command):
    def __init__(self):
        super().__init__(self.name, gdb.COMMAND_DATA)

    def value(self, arg, type_name):
        v = gdb.parse_and_eval(arg)
        return v if v.type.code == gdb.TYPE_CODE_PTR and "struct" in str(v.type) else v.cast(
            gdb.lookup_type("struct " + type_name).pointer())


class Tasks(Command):
    """es-tasks: every task, its name, threads, map and space."""
    name = "es-tasks"

    def invoke(self, arg, tty):
        for t in tasks():
            print(f"{int(t):#x} {t['tk_name'].string():20} threads {int(t['tk_thread_count']):3} "
                  f"map {int(t['tk_map']):#x} space {int(t['tk_space']):#x}{'' if t['tk_active'] else ' dying'}")


class Threads(Command):
    """es-threads [TASK]: threads with state, priority and what they wait for."""
    name = "es-threads"
    states = [(1, "R"), (2, "W"), (4, "S"), (8, "U"), (0x10, "H"), (0x20, "I"), (0x40, "D")]

    def invoke(self, arg, tty):
        for t in ([self.value(arg, "task")] if arg else tasks()):
            for th in items(t["tk_threads"], "thread", "th_task_link"):
                state = "".join(c for bit, c in self.states if int(th["th_state"]) & bit)
                where = str(th["th_continuation"]) if int(th["th_continuation"]) else "on its stack"
                print(f"{int(th):#x} {t['tk_name'].string():16} {state:4} pri {int(th['th_pri']):2} "
                      f"stack {int(th['th_stack']):#x} {where}")


class Backtrace(Command):
    """es-bt THREAD: saved kernel frames of a thread that does not run."""
    name = "es-bt"

    def invoke(self, arg, tty):
        th = self.value(arg, "thread")
        if not int(th["th_stack"]):
            print(f"no kernel stack; continues at {th['th_continuation']}")
            return
        sp = int(th["th_machine"]["mt_kernel_rsp"])
        base = int(th["th_stack"])
        word = gdb.lookup_type("unsigned long").pointer()
        while base <= sp < base + 16384:
            pc = int(gdb.Value(sp).cast(word).dereference())
            block = gdb.block_for_pc(pc)
            if block is not None:
                while block and not block.function:
                    block = block.superblock
                if block:
                    print(f"  {sp:#x}: {pc:#x} {block.function}")
            sp += 8


class Print(Command):
    """Prints one object by its struct."""

    def invoke(self, arg, tty):
        print(self.value(arg, self.struct).dereference())


class Port(Print):
    """es-port PORT"""
    name, struct = "es-port", "ipc_port"


class Space(Print):
    """es-space SPACE"""
    name, struct = "es-space", "ipc_space"


class Map(Print):
    """es-map MAP"""
    name, struct = "es-map", "vm_map"


class Cpus(Command):
    """es-cpus: what each CPU runs."""
    name = "es-cpus"

    def invoke(self, arg, tty):
        for i in range(int(gdb.parse_and_eval("cpu_count"))):
            c = gdb.parse_and_eval(f"cpu_get({i})")
            th = c["cp_thread"]
            print(f"CPU {i}: {int(th):#x} {'idle' if c['cp_idle'] else th['th_task']['tk_name'].string()}")


for command in (Tasks, Threads, Backtrace, Port, Space, Map, Cpus):
    command()
