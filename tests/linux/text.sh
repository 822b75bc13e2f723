# text tools on generated text
i=0
while [ $i -lt 200 ]; do echo "line $i $((i * 7919 % 101)) word$((i % 13))"; i=$((i + 1)); done > t
wc t
grep -c word5 t
grep -n 'line 1[0-9]* ' t | head -5
sort -k3n t | head -7
sort -k4 -s t | uniq -c -f3 | head -3
sed -n -e '5,8s/line/LINE/p' -e '$p' t
sed -e '1~50!d' t
awk '{ s += $3; c[$4]++ } END { print s; for (k in c) n++; print n }' t
cut -d' ' -f2,4 t | tail -3
tr a-z A-Z < t | head -2
head -c 100 t | od -c | head -3
tail -n 3 t | rev
printf '%s\n' c a b | sort | tr '\n' ' '; echo
seq 1 10 | paste -s -d+ | bc 2>/dev/null || seq 1 10 | awk '{s+=$1} END {print s}'
echo 'a:b:c' | awk -F: '{ print $3, $2, $1 }'
printf 'x\ty\n' | expand
fold -w 10 t | head -3
md5sum t
sha256sum t
cksum t
echo hello | base64
dd if=t bs=100 count=2 2>/dev/null | wc -c
comm -12 t t | wc -l
diff t t && echo same
sed 's/5/five/' t > u
diff t u | head -4
cmp t u
echo "status $?"
