/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mig: stubs from interface definitions. Options, preprocessing, output.
 *
 * TESTS     tests/unit/mig
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "error.h"
#include "header.h"
#include "layout.h"
#include "parser.h"
#include "server.h"
#include "user.h"

struct options {
	const char	*user;
	const char	*server;
	const char	*header;
	const char	*server_header;
	const char	*internal_header;
	const char	*list;
	const char	*layout;
	const char	*user_prefix;
	const char	*server_prefix;
	const char	*each;		/* path and beginning of the names of one file per routine */
	const char	*compiler;
	const char	*input;
	const char	*depend;	/* file for make's rules */
	bool		preprocessed;
	const char	**cpp;		/* arguments for the preprocessor */
	unsigned	cpp_count;
};

static const char usage[] =
    "usage: mig [option]... file.defs\n"
    "  -user FILE      caller's stubs           (default NAMEUser.c)\n"
    "  -i PREFIX       caller's stubs in one file per routine, PREFIXroutine.c, instead of one\n"
    "  -server FILE    server's stubs           (default NAMEServer.c)\n"
    "  -header FILE    caller's declarations    (default NAME.h)\n"
    "  -sheader FILE   server's declarations    (default none)\n"
    "  -iheader FILE   message ids              (default none)\n"
    "  -list FILE      one line per routine: id and name\n"
    "  -layout FILE    byte layout of every message, and nothing else unless asked for\n"
    "  -prefix STR     put before the names of caller's functions\n"
    "  -subrprefix STR put before the names of server routines\n"
    "  -E, -x i        the input is preprocessed already; a file called - is standard input\n"
    "  -cc CMD         C compiler used to preprocess (default $CC, else cc)\n"
    "  -q              no warnings\n"
    "  -MD FILE.d      rules for make: the outputs depend on every file that was read\n"
    "  -D -U -I -M... -include -isystem  go to the preprocessor\n"
    "FILE may be /dev/null (nothing) or - (standard output).\n";

static const char *
option_value(char **argv, int argc, int *at)
{
	if (*at + 1 >= argc)
		error_fatal("option %s needs a value", argv[*at]);
	return argv[++*at];
}

static void
option_cpp(struct options *options, const char *word)
{
	options->cpp[options->cpp_count++] = word;
}

/* => false: the word is not one of the options with a value */
static bool
option_named(struct options *options, char **argv, int argc, int *at)
{
	const struct {
		const char	*word;
		const char	**place;
	} named[] = {
		{ "-user", &options->user },
		{ "-server", &options->server },
		{ "-header", &options->header },
		{ "-sheader", &options->server_header },
		{ "-iheader", &options->internal_header },
		{ "-list", &options->list },
		{ "-layout", &options->layout },
		{ "-prefix", &options->user_prefix },
		{ "-subrprefix", &options->server_prefix },
		{ "-i", &options->each },
		{ "-cc", &options->compiler },
	};

	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		if (strcmp(argv[*at], named[i].word) == 0) {
			*named[i].place = option_value(argv, argc, at);
			return true;
		}
	}
	return false;
}

static bool
option_is_depend(const char *word)
{
	size_t length = strlen(word);

	return length > 2 && strcmp(word + length - 2, ".d") == 0;
}

static void
option_parse(struct options *options, char **argv, int argc, int *at)
{
	static const char *const with_word[] = {
		"-D", "-U", "-I", "-MF", "-MT", "-MQ", "-include", "-isystem", "-imacros"
	};
	const char *word = argv[*at];

	if (option_named(options, argv, argc, at))
		return;
	if (strcmp(word, "-x") == 0) {
		options->preprocessed = strcmp(option_value(argv, argc, at), "i") == 0;
		return;
	}
	if (strcmp(word, "-E") == 0) {
		options->preprocessed = true;
		return;
	}
	if (strcmp(word, "-q") == 0) {
		error_quiet();
		return;
	}
	if (strlen(word) == 2 && strchr("QvVsSrRtTlLkK", word[1]) != NULL)
		return;		/* switches of older versions that change nothing here */
	if (strcmp(word, "-MD") == 0 && *at + 1 < argc && option_is_depend(argv[*at + 1])) {
		options->depend = argv[++*at];
		return;
	}
	for (size_t i = 0; i < sizeof(with_word) / sizeof(with_word[0]); i++) {
		if (strcmp(word, with_word[i]) == 0) {
			option_cpp(options, word);
			option_cpp(options, option_value(argv, argc, at));
			return;
		}
	}
	if (strncmp(word, "-D", 2) != 0 && strncmp(word, "-U", 2) != 0 &&
	    strncmp(word, "-I", 2) != 0 && strncmp(word, "-M", 2) != 0)
		error_fatal("unknown option %s\n%s", word, usage);
	option_cpp(options, word);
}

static bool
output_wanted(const char *path)
{
	return path != NULL && strcmp(path, "/dev/null") != 0;
}

/* Every output depends on what the preprocessor read. */
static void
options_depend(struct options *options)
{
	const char *const outputs[] = {
		options->user, options->server, options->header, options->server_header,
		options->internal_header, options->list, options->layout
	};

	if (options->depend == NULL)
		return;
	option_cpp(options, "-MD");
	option_cpp(options, "-MP");
	option_cpp(options, "-MF");
	option_cpp(options, options->depend);
	for (size_t i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++) {
		if (!output_wanted(outputs[i]))
			continue;
		option_cpp(options, "-MT");
		option_cpp(options, outputs[i]);
	}
}

static void
options_read(struct options *options, char **argv, int argc)
{
	options->cpp = text_alloc(sizeof(char *) * (size_t)(argc + 32));
	option_cpp(options, NULL);	/* the compiler, known at the end */
	option_cpp(options, "-E");
	option_cpp(options, "-std=c11");
	option_cpp(options, "-x");
	option_cpp(options, "c");
	for (int at = 1; at < argc; at++) {
		if (strcmp(argv[at], "-help") == 0 || strcmp(argv[at], "--help") == 0) {
			fputs(usage, stdout);
			exit(0);
		}
		if (argv[at][0] == '-' && argv[at][1] != '\0') {
			option_parse(options, argv, argc, &at);
		} else {
			if (options->input != NULL)
				error_fatal("more than one input: %s and %s", options->input, argv[at]);
			options->input = argv[at];
		}
	}
	if (options->input == NULL)
		error_fatal("no input\n%s", usage);
	if (options->compiler == NULL)
		options->compiler = getenv("CC");
	if (options->compiler == NULL || options->compiler[0] == '\0')
		options->compiler = "cc";
	options->cpp[0] = options->compiler;
	options_depend(options);
	option_cpp(options, options->input);
	option_cpp(options, NULL);
}

static void
input_read(int fd, struct text *text)
{
	char buffer[65536];
	ssize_t count;

	text_append(text, "", 0);
	while ((count = read(fd, buffer, sizeof(buffer))) > 0)
		text_append(text, buffer, (size_t)count);
	if (count < 0)
		error_fatal("the input cannot be read");
}

/* Run the preprocessor and keep what it says. */
static void
input_preprocess(const struct options *options, struct text *text)
{
	int ends[2], status;
	pid_t child;

	if (pipe(ends) != 0)
		error_fatal("no pipe for the preprocessor");
	child = fork();
	if (child < 0)
		error_fatal("no process for the preprocessor");
	if (child == 0) {
		dup2(ends[1], 1);
		close(ends[0]);
		close(ends[1]);
		if (strchr(options->compiler, ' ') != NULL) {
			/* "ccache gcc" and its like: let the shell split it */
			char **shell = text_alloc(sizeof(char *) * (options->cpp_count + 4));

			shell[0] = "sh";
			shell[1] = "-c";
			shell[2] = text_format("exec %s \"$@\"", options->compiler);
			memcpy(&shell[3], options->cpp, sizeof(char *) * options->cpp_count);
			execvp("sh", shell);
		}
		execvp(options->compiler, (char **)options->cpp);
		fprintf(stderr, "mig: %s cannot be run\n", options->compiler);
		_exit(127);
	}
	close(ends[1]);
	input_read(ends[0], text);
	close(ends[0]);
	if (waitpid(child, &status, 0) != child || status != 0)
		error_fatal("%s could not be preprocessed", options->input);
}

static void
input_get(const struct options *options, struct text *text)
{
	if (strcmp(options->input, "-") == 0) {
		input_read(0, text);
	} else if (options->preprocessed) {
		FILE *file = fopen(options->input, "r");

		if (file == NULL)
			error_fatal("%s cannot be opened", options->input);
		input_read(fileno(file), text);
		fclose(file);
	} else {
		input_preprocess(options, text);
	}
}

static void
options_default(struct options *options, const struct subsystem *subsystem)
{
	bool only = options->layout != NULL || options->list != NULL;

	if (options->user == NULL)
		options->user = only ? "/dev/null" : text_format("%sUser.c", subsystem->name);
	if (options->server == NULL)
		options->server = only ? "/dev/null" : text_format("%sServer.c", subsystem->name);
	if (options->header == NULL)
		options->header = only ? "/dev/null" : text_format("%s.h", subsystem->name);
}

struct output {
	const char	*path;
	struct text	text;
};

/* All files or none: a half-written set would look newer than its definitions. */
static bool
outputs_save(const struct output *outputs, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (outputs[i].path == NULL || text_save(&outputs[i].text, outputs[i].path))
			continue;
		while (i-- > 0)
			if (outputs[i].path != NULL && strcmp(outputs[i].path, "/dev/null") != 0 &&
			    strcmp(outputs[i].path, "-") != 0)
				remove(outputs[i].path);
		return false;
	}
	return true;
}

static unsigned
outputs_collect(struct output *outputs, const struct options *options,
    const struct subsystem *subsystem)
{
	unsigned count = 0;

	outputs[count].path = options->user;
	if (options->each == NULL)
		user_write(&outputs[count++].text, subsystem);
	outputs[count].path = options->server;
	server_write(&outputs[count++].text, subsystem);
	outputs[count].path = options->header;
	header_user(&outputs[count++].text, subsystem);
	outputs[count].path = options->server_header;
	header_server(&outputs[count++].text, subsystem);
	outputs[count].path = options->internal_header;
	header_internal(&outputs[count++].text, subsystem);
	outputs[count].path = options->list;
	header_list(&outputs[count++].text, subsystem);
	outputs[count].path = options->layout;
	layout_print(&outputs[count++].text, subsystem);
	for (const struct routine *routine = subsystem->routines;
	    routine != NULL && options->each != NULL; routine = routine->next) {
		outputs[count].path = text_format("%s%s.c", options->each, routine->name);
		user_write_one(&outputs[count++].text, subsystem, routine);
	}
	return count;
}

int
main(int argc, char **argv)
{
	struct options options = { 0 };
	struct text input = { 0 };
	struct subsystem *subsystem;
	struct output *outputs;

	options_read(&options, argv, argc);
	input_get(&options, &input);
	subsystem = parser_run(options.input, input.data, input.length);
	if (options.user_prefix != NULL)
		subsystem->user_prefix = options.user_prefix;
	if (options.server_prefix != NULL)
		subsystem->server_prefix = options.server_prefix;
	options_default(&options, subsystem);
	if (error_count() == 0 && output_wanted(options.server))
		server_check(subsystem);
	if (error_count() == 0 && (output_wanted(options.user) || options.each != NULL))
		user_check(subsystem);
	if (error_count() != 0)
		return 1;
	outputs = text_alloc(sizeof(*outputs) * (8 + subsystem->count));
	return outputs_save(outputs, outputs_collect(outputs, &options, subsystem)) ? 0 : 1;
}
