# tar, gzip, cpio round trips
mkdir -p src/sub
seq 1 5000 > src/numbers; echo small > src/sub/small; ln -s numbers src/link
dd if=/dev/zero of=src/zero bs=4096 count=20 2>/dev/null
tar cf a.tar src; tar tf a.tar | sort
mkdir out; tar xf a.tar -C out; diff -r src out/src && echo same
gzip -c a.tar > a.tgz; gzip -t a.tgz && echo good; gunzip -c a.tgz | cmp - a.tar && echo identical
tar czf b.tgz src; rm -rf out; mkdir out; tar xzf b.tgz -C out; diff -r src out/src && echo same
bzip2 -c src/numbers | bunzip2 | cmp - src/numbers && echo bz
find src | sort | cpio -o -H newc 2>/dev/null > a.cpio; mkdir in; (cd in; cpio -id < ../a.cpio 2>/dev/null); diff -r src in/src && echo same
split -l 1000 src/numbers part; cat part* | cmp - src/numbers && echo whole; ls part* | wc -l
md5sum src/numbers > sums; md5sum -c sums
