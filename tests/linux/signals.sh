# signals: handlers, masks by waiting, stop and continue, statuses, timers, groups
trap 'echo usr1' USR1; kill -USR1 $$; echo after
trap 'echo usr2' USR2; (sleep 1; kill -USR2 $$) & wait $!; wait; trap - USR2
sh -c 'trap "echo term; exit 7" TERM; kill -TERM $$; echo never'; echo $?
sh -c 'trap "" TERM; kill -TERM $$; echo survived'; echo $?
for s in HUP INT QUIT ABRT KILL ALRM TERM USR1 PIPE; do sh -c "kill -$s \$\$" 2>/dev/null; echo $s $?; done
sleep 100 & p=$!; kill -STOP $p; sleep 1; grep -c 'T (stopped)' /proc/$p/status
kill -TERM $p; sleep 1; kill -0 $p && echo still; kill -CONT $p; wait $p 2>/dev/null; echo $?
sleep 100 & p=$!; kill -STOP $p; kill -KILL $p; wait $p 2>/dev/null; echo $?
timeout 1 sleep 10; echo $?
timeout -s KILL 1 sleep 10 2>/dev/null; echo $?
sh -c 'sleep 100 & sleep 100 & kill -9 $(jobs -p) ; wait; echo gone'
setsid sh -c 'echo $(( $(cut -d" " -f6 /proc/self/stat) > 0 ))'
yes | head -1; yes 2>/dev/null | head -2 | wc -l
(exit 5); echo $?; (kill -9 $(sh -c 'echo $PPID')) 2>/dev/null; echo $?
sh -c 'trap "echo exit" EXIT; exit 4'; echo $?
kill -0 999999 2>/dev/null; echo $?
kill -99 $$ 2>/dev/null; echo $?
i=0; while [ $i -lt 20 ]; do sleep 100 & kill $!; wait $! 2>/dev/null; i=$((i+1)); done; echo $?
mkfifo f; (echo through > f) & read line < f; echo $line
(sleep 1; echo late > f) & timeout 5 cat f
sh -c 'ulimit -t 1; ulimit -t'
