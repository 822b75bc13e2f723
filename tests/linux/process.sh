# processes: groups, waiting, signals between processes, limits
sh -c 'exit 42'; echo $?
for i in 1 2 3 4 5 6 7 8; do (exit $i) & done; wait; echo waited
sleep 100 & p=$!; kill $p; wait $p 2>/dev/null; echo $?
sleep 100 & p=$!; kill -STOP $p; kill -CONT $p; kill -9 $p; wait $p 2>/dev/null; echo $?
kill -0 $$ && echo alive
kill -0 99999 2>/dev/null || echo none
sh -c 'sh -c "sh -c \"echo deep\""'
i=0; while [ $i -lt 60 ]; do true | true; /bin/true; i=$((i + 1)); done; echo $i
(sleep 1; echo late) & echo early; wait
sh -c 'trap "" INT; kill -INT $$; echo ignored'
sh -c 'kill -INT $$; echo not'; echo $?
sh -c 'kill -SEGV $$' 2>/dev/null; echo $?
{ sleep 1; echo done; } | cat
echo $(id -u) $(id -g)
nice -n 5 sh -c 'nice' 
pidof nosuchprogram; echo $?
cat /proc/self/cmdline | tr '\0' ' '; echo
[ -d /proc/$$ ] && echo procfs
grep -c MemTotal /proc/meminfo
ps -o comm | grep -c '^sh'  > /dev/null && echo ps
sh -c 'ulimit -f 1; dd if=/dev/zero of=big bs=1024 count=10 2>/dev/null'; test $? -ne 0 && echo limited
