# the shell itself: pipelines, substitution, traps, functions, here documents
echo a b c | while read x y z; do echo $z $y $x; done
f() { echo "f: $# $1"; return 3; }
f p q; echo $?
x=$(echo nested $(echo deep)); echo "$x"
cat <<END
here $x
$((6 * 7))
END
cat <<'END'
raw $x
END
for i in 1 2 3; do case $i in 2) continue ;; *) echo $i ;; esac; done
(exit 7); echo $?
false || echo or; true && echo and
! true; echo $?
set -- one two three; shift; echo $# $1
echo ${x%deep} ${x#nested } ${#x} ${none:-default} ${x:+set}
IFS=:; set -- a:b:c; for p in $1; do echo "[$p]"; done; unset IFS
trap 'echo trapped' USR1; kill -USR1 $$; echo after
trap - USR1
sh -c 'kill -TERM $$'; echo $?
sh -c 'kill -KILL $$' 2>/dev/null; echo $?
sh -c 'trap "echo bye" EXIT; echo work'
(trap 'echo caught; exit 5' TERM; kill -TERM $(sh -c 'echo $PPID'); sleep 1); echo $?
sleep 0 & wait $!; echo "bg $?"
(sleep 0; exit 4) & wait $!; echo "bg $?"
yes | head -3
yes | head -100000 | wc -l
seq 1 20000 | sort -rn | head -2
echo piped | cat | cat | cat | tr d D
{ echo out; echo err >&2; } 2>&1 | sort
ls /nonexistent 2>/dev/null; echo "status $?"
/nonexistent 2>/dev/null; echo "status $?"
echo '#!/bin/sh
echo script $0 $1' > s; chmod +x s; ./s arg
printf '#!/bin/cat\nbody\n' > c; chmod +x c; ./c | tail -1
chmod -x s; ./s 2>/dev/null; echo "status $?"
env -i A=1 B=2 env | sort
A=x sh -c 'echo $A'
echo $(seq 1 50)
i=0; while [ $i -lt 100 ]; do i=$((i + 1)); done; echo $i
n=0; for i in 1 2 3 4 5 6 7 8 9 10; do n=$((n + $(echo $i))); done; echo $n
read a b <<END
first second third
END
echo "$b"
expr 5 + 6; test 3 -lt 4 && echo less
time=$(date +%s); [ "$time" -gt 1000000000 ] && echo clock
timeout 1 sleep 5; echo $?
echo abc | tee copy1 copy2 | wc -c; cat copy1 copy2
xargs -n 2 echo < /dev/null; seq 1 5 | xargs -n 2 echo
nohup true 2>/dev/null; echo $?
ulimit -n > /dev/null; echo $?
command -v true > /dev/null && echo found
type nosuchcommand > /dev/null 2>&1 || echo missing
