/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program: a table of commands, help, option parsing (argp), signals and the exit status. What
 * a command returns becomes one line on stderr and a status here, and nowhere else.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "command.h"
#include "target/target.h"

#ifndef OPJURY_VERSION /* the build says it; tools that look at this file alone do not */
#define OPJURY_VERSION "unknown"
#endif

/* In the order of the help; each struct is in src/cmd_NAME.c. */
static const struct command *const command_table[] = {
    &command_fuzz,    &command_gen,     &command_run,   &command_show,
    &command_report,  &command_reduce,  &command_blame, &command_mark,
    &command_verify,  &command_known,   &command_ci,    &command_matrix,
    &command_targets, &command_compare, &command_bench, NULL,
};

static const char intro[] =
    "opjury finds bugs in deep-learning libraries: it makes programs (graphs of\n"
    "operators) and inputs, runs each on every target, judges every run against its\n"
    "own reference evaluator with an error bound per element, and hands over small\n"
    "reproducible findings.\n";

static const char outro[] =
    "A target is NAME[:word|key=value,...][@PATH], for instance torch,\n"
    "onnxruntime:opt=basic, or onnxruntime@old-env; PATH is an interpreter, its\n"
    "virtual environment or the name of one in a configuration (docs/\n"
    "configuration.md). `opjury targets` lists what is installed.\n"
    "\n"
    "Examples:\n"
    "  opjury fuzz --time 60s              all installed targets for a minute\n"
    "  opjury fuzz --target onnxruntime --tests 10000 --seed 7 --out out/seven\n"
    "  opjury show                         the findings, most interesting first\n"
    "  opjury report 3 > issue.md          finding 3 as an issue for its library\n"
    "  opjury run model.onnx               a model of your own on all targets\n"
    "\n"
    "Exit status: 0 nothing found, 1 new findings, 2 wrong use or trouble with the\n"
    "environment (one line on stderr says what).\n"
    "\n"
    "Environment: OPJURY_PYTHON (interpreter of the libraries), OPJURY_CONFIG (the\n"
    "configuration), OPJURY_CACHE, OPJURY_SANDBOX (as --sandbox),\n"
    "NO_COLOR.\n";

static void print_help(FILE *out)
{
    fprintf(out, "Usage: opjury COMMAND [OPTION...]\n%s\nCommands:\n", intro);
    for (const struct command *const *c = command_table; *c != NULL; c++) {
        fprintf(out, "  %-9s %s\n", (*c)->name, (*c)->summary);
    }
    fprintf(out, "\n`opjury COMMAND --help` tells its options, `opjury --version` the version.\n");
    fprintf(out, "\n%s", outro);
}

/* Levenshtein distance; command names are short, so are useful typos. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { LENGTH_MAX = 32 };
    size_t row[LENGTH_MAX + 1];
    size_t n = strnlen(b, LENGTH_MAX);
    for (size_t j = 0; j <= n; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t change = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            size_t step = (diagonal < row[j] ? diagonal : row[j]) + 1;
            row[j + 1] = change < step ? change : step;
        }
    }
    return row[n];
}

static const struct command *find_command(const char *name)
{
    for (const struct command *const *c = command_table; *c != NULL; c++) {
        if (strcmp((*c)->name, name) == 0) {
            return *c;
        }
    }
    return NULL;
}

static int unknown_command(const char *name)
{
    const struct command *nearest = NULL;
    size_t best = 3; /* more than two typing errors is another word */
    for (const struct command *const *c = command_table; *c != NULL; c++) {
        size_t distance = edit_distance(name, (*c)->name);
        if (distance < best) {
            best = distance;
            nearest = *c;
        }
    }
    fprintf(stderr, "opjury: there is no command '%s'", name);
    if (nearest != NULL) {
        fprintf(stderr, "; did you mean '%s'?\n", nearest->name);
    } else {
        fprintf(stderr, "; `opjury --help` lists them\n");
    }
    return EXIT_TROUBLE;
}

/* ---- options of one command ---- */

struct parse {
    const struct command *command;
    void *settings;
    struct arena *arena;
    enum err err; /* of the command's option function */
    bool help;
};

static error_t pass_option(int key, char *value, struct argp_state *state)
{
    struct parse *parse = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        if (state->root_argp->children != NULL) {
            state->child_inputs[0] = parse;
        }
        return 0;
    case ARGP_KEY_ARG:
        if (parse->command->arguments == NULL) {
            parse->err = err_set(ERR_USAGE, "%s takes no argument, but got '%s'",
                                 parse->command->name, value);
            return EINVAL;
        }
        key = COMMAND_ARGUMENT;
        break;
    case ARGP_KEY_NO_ARGS:
    case ARGP_KEY_ARGS:
    case ARGP_KEY_END:
    case ARGP_KEY_SUCCESS:
    case ARGP_KEY_ERROR:
    case ARGP_KEY_FINI:
        return ARGP_ERR_UNKNOWN;
    default:
        break;
    }
    if (parse->command->option == NULL) {
        return ARGP_ERR_UNKNOWN;
    }
    parse->err = parse->command->option(key, value, parse->settings, parse->arena);
    return parse->err == ERR_OK ? 0 : EINVAL;
}

/* Options of every command. */
enum { KEY_CONFIG = 0x1000 };

static error_t help_option(int key, char *value, struct argp_state *state)
{
    struct parse *parse = state->input;
    if (key == KEY_CONFIG) {
        config_choose(value);
        return 0;
    }
    if (key != 'h') {
        return ARGP_ERR_UNKNOWN;
    }
    parse->help = true;
    argp_state_help(state, stdout, ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC);
    return ECANCELED;
}

static const struct argp_option help_options[] = {
    {"config", KEY_CONFIG, "FILE", 0, "names environments and programs (opjury.yaml); or `none'",
     -1},
    {"help", 'h', NULL, 0, "print this", -1},
    {0},
};
static const struct argp help_argp = {.options = help_options, .parser = help_option};

/* Of the commands that run libraries: those that take an interpreter. */
static bool runs_libraries(const struct command *c)
{
    for (const struct argp_option *o = c->options; o != NULL && (o->name || o->key); o++) {
        if (o->name != NULL && strcmp(o->name, "python") == 0) {
            return true;
        }
    }
    return false;
}

enum { KEY_SANDBOX = COMMAND_KEYS }; /* keys are of each parser */

static error_t sandbox_option(int key, char *value, struct argp_state *state)
{
    if (key != KEY_SANDBOX) {
        return ARGP_ERR_UNKNOWN;
    }
    setenv("OPJURY_SANDBOX", value, 1); /* for all that this process starts */
    return 0;
}

static const struct argp_option sandbox_options[] = {
    {"sandbox", KEY_SANDBOX, "MODE", 0,
     "on: confine the workers as far as this system can; require: all of it, or nothing runs; off: "
     "for debuggers (on)",
     -1},
    {0}};
static const struct argp sandbox_argp = {.options = sandbox_options, .parser = sandbox_option};

/* Options into parse->settings. true: go on and run; else *status is how to end. */
static bool parse_options(struct parse *parse, int argc, char **argv, int *status)
{
    const struct command *c = parse->command;
    struct argp_child children[] = {
        {.argp = &help_argp}, {.argp = runs_libraries(c) ? &sandbox_argp : NULL}, {0}};
    const struct argp argp = {
        .options = c->options,
        .parser = pass_option,
        .args_doc = c->arguments,
        .doc = arena_printf(parse->arena, "%s.\v%s", c->summary, c->help),
        .children = children,
    };
    char name[64];
    snprintf(name, sizeof(name), "opjury %s", c->name);
    argv[0] = name;
    /* argp says the wrong option itself, by argv[0]; its note on arguments of long options says of
     * every command what everybody knows. */
    setenv("ARGP_HELP_FMT", "no-dup-args-note", 0);
    error_t error = argp_parse(&argp, argc, argv, ARGP_NO_EXIT | ARGP_NO_HELP, NULL, parse);
    argv[0] = NULL;
    if (parse->help) {
        *status = EXIT_NOTHING_FOUND;
        return false;
    }
    if (error != 0) {
        if (parse->err != ERR_OK) {
            fprintf(stderr, "opjury: %s\n", err_text());
        } else if (error == ENOMEM) {
            fprintf(stderr, "opjury: out of memory\n");
        }
        *status = EXIT_TROUBLE;
        return false;
    }
    return true;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct arena *arena = arena_new();
    struct parse parse = {
        .command = command,
        .arena = arena,
        .settings = arena_zalloc(arena, command->settings_size),
    };
    if (command->defaults != NULL) {
        memcpy(parse.settings, command->defaults, command->settings_size);
    }
    int status;
    if (parse_options(&parse, argc, argv, &status)) {
        bool found = false;
        enum err e = runs_libraries(command) ? sandbox_check() : ERR_OK;
        e = e != ERR_OK ? e : command->run(parse.settings, arena, &found);
        status = found ? EXIT_FOUND : EXIT_NOTHING_FOUND;
        if (e != ERR_OK && e != ERR_CLOSED) {
            fprintf(stderr, "opjury: %s\n", err_text());
            status = EXIT_TROUBLE;
        }
    }
    arena_free(arena);
    return status;
}

/* ---- the process ---- */

static void request_stop(int signal_number)
{
    if (stop_requested) { /* asked twice: die of it, now */
        signal(signal_number, SIG_DFL);
        raise(signal_number);
    }
    stop_requested = 1;
}

static void prepare_process(void)
{
    /* A closed 0, 1 or 2 would be given to the next file opened, and messages written into it. */
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF) {
            (void)!open("/dev/null", O_RDWR);
        }
    }
    struct sigaction stop = {.sa_handler = request_stop, .sa_flags = SA_RESTART};
    sigemptyset(&stop.sa_mask);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    /* A worker or a reader of our output that is gone is an error return, not our death. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* so is a file beyond the shell's limit */
    json_set_alloc_funcs(xmalloc, free);
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_TROUBLE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        if (argc == 2) {
            print_help(stdout);
            return EXIT_NOTHING_FOUND;
        }
        char *asked[] = {NULL, (char[]){"--help"}, NULL};
        const struct command *command = find_command(argv[2]);
        return command != NULL ? run_command(command, 2, asked) : unknown_command(argv[2]);
    }
    if (strcmp(name, "--version") == 0) {
        printf("opjury %s\n", OPJURY_VERSION);
        return EXIT_NOTHING_FOUND;
    }
    const struct command *command = find_command(name);
    return command != NULL ? run_command(command, argc - 1, argv + 1) : unknown_command(name);
}

int main(int argc, char **argv)
{
    prepare_process();
    int status = dispatch(argc, argv);
    enum err err = output_flush();
    if (err != ERR_OK && err != ERR_CLOSED &&
        status != EXIT_TROUBLE) { /* else it is said already */
        fprintf(stderr, "opjury: %s\n", err_text());
        status = EXIT_TROUBLE;
    }
    return status;
}
