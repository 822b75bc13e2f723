# files, directories, links, permissions
mkdir -p a/b/c
echo one > a/1; echo two > a/b/2; echo three > a/b/c/3
find a | sort
find a -type f -name '[12]' | sort
ln a/1 hard; ln -s a/b soft; ln -s nowhere dangling
cat hard soft/2
readlink soft dangling
ls a soft/
[ -L dangling ] && [ ! -e dangling ] && echo dangling
cat dangling; echo "status $?"
stat -c '%h %F %s %a' hard a soft
chmod 640 hard; stat -c '%a' a/1
chmod u+s,g-r hard; stat -c '%a' a/1
umask 027; touch new; mkdir newdir; stat -c '%a' new newdir; umask 022
mv a/1 a/moved; ls a
mv a z; ls z/b
cp -r z copy; find copy -type f | sort | xargs cat
rm -r copy; [ -e copy ] || echo gone
rmdir z; echo "status $?"
mkdir z; echo "status $?"
touch -d '2020-01-02 03:04:05' new; stat -c '%Y' new; date -u -r new +%F
: > empty; [ -s empty ] || echo empty
truncate -s 1000000 sparse; stat -c '%s' sparse; wc -c < sparse
dd if=/dev/zero of=sparse bs=1 count=1 seek=5000000 conv=notrunc 2>/dev/null; stat -c '%s' sparse
echo x >> empty; echo y >> empty; cat empty
echo z > empty; cat empty
exec 3> fd; echo to3 >&3; exec 3>&-; cat fd
exec 4<> fd; read x <&4; echo "got $x"; echo more >&4; exec 4>&-; cat fd
ls -1 | sort
cd z/b/c && pwd | sed 's|.*/||'; cd ../../..
mkfifo pipe; (echo through > pipe &) ; cat pipe
test -p pipe && echo fifo
rm -f pipe dangling; ls pipe 2>/dev/null; echo "status $?"
touch 'name with spaces' -- '-dash'; ls -1 -- *dash* *spaces*
for i in 1 2 3 4 5 6 7 8 9; do mkdir d$i; for j in 1 2 3 4 5 6 7 8 9; do echo $i$j > d$i/f$j; done; done
cat d*/f* | wc -l
du -s d1 > /dev/null; echo $?
rm -rf d*; ls -d d* 2>/dev/null | wc -l
name=$(printf '%0255d' 0); touch $name && echo long; touch ${name}x 2>/dev/null || echo 'too long'
