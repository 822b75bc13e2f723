/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ext2 on-disk format: layouts and numbers.  Everything is little endian, like the machine.
 */
#ifndef UNIX_FS_EXT2_DISK_H
#define UNIX_FS_EXT2_DISK_H

#include <stdint.h>

#define EXT2_MAGIC		0xef53
#define EXT2_SUPER_OFFSET	1024
#define EXT2_ROOT_INO		2
#define EXT2_GOOD_OLD_FIRST_INO	11
#define EXT2_GOOD_OLD_INODE_SIZE 128
#define EXT2_NDIRECT		12
#define EXT2_IND		12
#define EXT2_DIND		13
#define EXT2_TIND		14
#define EXT2_NPTR		15
#define EXT2_NAME_MAX		255
#define EXT2_LINK_MAX		32000

#define EXT2_STATE_VALID	1
#define EXT2_STATE_ERROR	2

#define EXT2_COMPAT_DIR_INDEX		0x0020
#define EXT2_INCOMPAT_FILETYPE		0x0002
#define EXT2_RO_COMPAT_SPARSE_SUPER	0x0001
#define EXT2_RO_COMPAT_LARGE_FILE	0x0002
#define EXT2_RO_COMPAT_EXTRA_ISIZE	0x0040

#define EXT2_INDEX_FL		0x00001000
#define EXT2_IMMUTABLE_FL	0x00000010
#define EXT2_APPEND_FL		0x00000020

struct ext2_super {
	uint32_t	s_inodes_count;
	uint32_t	s_blocks_count;
	uint32_t	s_r_blocks_count;
	uint32_t	s_free_blocks_count;
	uint32_t	s_free_inodes_count;
	uint32_t	s_first_data_block;
	uint32_t	s_log_block_size;
	uint32_t	s_log_frag_size;
	uint32_t	s_blocks_per_group;
	uint32_t	s_frags_per_group;
	uint32_t	s_inodes_per_group;
	uint32_t	s_mtime;
	uint32_t	s_wtime;
	uint16_t	s_mnt_count;
	int16_t		s_max_mnt_count;
	uint16_t	s_magic;
	uint16_t	s_state;
	uint16_t	s_errors;
	uint16_t	s_minor_rev_level;
	uint32_t	s_lastcheck;
	uint32_t	s_checkinterval;
	uint32_t	s_creator_os;
	uint32_t	s_rev_level;
	uint16_t	s_def_resuid;
	uint16_t	s_def_resgid;
	uint32_t	s_first_ino;
	uint16_t	s_inode_size;
	uint16_t	s_block_group_nr;
	uint32_t	s_feature_compat;
	uint32_t	s_feature_incompat;
	uint32_t	s_feature_ro_compat;
	uint8_t		s_uuid[16];
	char		s_volume_name[16];
	char		s_last_mounted[64];
	uint32_t	s_algo_bitmap;
	uint8_t		s_prealloc_blocks;
	uint8_t		s_prealloc_dir_blocks;
	uint16_t	s_reserved_gdt_blocks;
	uint8_t		s_journal_uuid[16];
	uint32_t	s_journal_inum;
	uint32_t	s_journal_dev;
	uint32_t	s_last_orphan;
	uint32_t	s_hash_seed[4];
	uint8_t		s_def_hash_version;
	uint8_t		s_jnl_backup_type;
	uint16_t	s_desc_size;
	uint32_t	s_default_mount_opts;
	uint32_t	s_first_meta_bg;
	uint8_t		s_rest[760];
};
_Static_assert(sizeof(struct ext2_super) == 1024, "ext2 superblock");

struct ext2_group {
	uint32_t	bg_block_bitmap;
	uint32_t	bg_inode_bitmap;
	uint32_t	bg_inode_table;
	uint16_t	bg_free_blocks_count;
	uint16_t	bg_free_inodes_count;
	uint16_t	bg_used_dirs_count;
	uint16_t	bg_pad;
	uint8_t		bg_reserved[12];
};
_Static_assert(sizeof(struct ext2_group) == 32, "ext2 group descriptor");

struct ext2_dinode {
	uint16_t	i_mode;
	uint16_t	i_uid;
	uint32_t	i_size;
	uint32_t	i_atime;
	uint32_t	i_ctime;
	uint32_t	i_mtime;
	uint32_t	i_dtime;
	uint16_t	i_gid;
	uint16_t	i_links_count;
	uint32_t	i_blocks;	/* in 512-byte units */
	uint32_t	i_flags;
	uint32_t	i_osd1;
	uint32_t	i_block[EXT2_NPTR];
	uint32_t	i_generation;
	uint32_t	i_file_acl;
	uint32_t	i_size_high;
	uint32_t	i_faddr;
	uint16_t	i_blocks_high;
	uint16_t	i_file_acl_high;
	uint16_t	i_uid_high;
	uint16_t	i_gid_high;
	uint16_t	i_checksum_lo;
	uint16_t	i_reserved;
	/* Only in inodes larger than 128 bytes, as far as i_extra_isize says. */
	uint16_t	i_extra_isize;
	uint16_t	i_checksum_hi;
	uint32_t	i_ctime_extra;
	uint32_t	i_mtime_extra;
	uint32_t	i_atime_extra;
	uint32_t	i_crtime;
	uint32_t	i_crtime_extra;
	uint32_t	i_version_hi;
	uint32_t	i_projid;
};
_Static_assert(sizeof(struct ext2_dinode) == 160, "ext2 inode");

struct ext2_dirent {
	uint32_t	d_inode;
	uint16_t	d_rec_len;
	uint8_t		d_name_len;
	uint8_t		d_type;
	char		d_name[];
};

#define EXT2_FT_UNKNOWN	0
#define EXT2_FT_REG	1
#define EXT2_FT_DIR	2
#define EXT2_FT_CHR	3
#define EXT2_FT_BLK	4
#define EXT2_FT_FIFO	5
#define EXT2_FT_SOCK	6
#define EXT2_FT_LNK	7

/* An extended attribute block begins with these words. */
#define EXT2_XATTR_MAGIC 0xea020000u
struct ext2_xattr_header {
	uint32_t	h_magic;
	uint32_t	h_refcount;
	uint32_t	h_blocks;
	uint32_t	h_hash;
};

/* Bytes an entry with a name of n bytes needs. */
#define EXT2_DIRENT_SIZE(n)	((8u + (n) + 3u) & ~3u)

#endif
