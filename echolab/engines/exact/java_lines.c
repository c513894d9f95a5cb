/*
 * Loaded into a Java machine where a run is repeated to explain why it hung (spinning.py).
 *
 * A Java program that computes without end makes no system call, and no other thread of it ever
 * runs. So it cannot be asked by jstack(1), nor by SIGQUIT, which a thread of its own answers. But
 * the thread that computes can answer a signal. It walks its own stack by AsyncGetCallTrace, which
 * HotSpot has for profilers. The line is shown as in sitecustomize/: the program looks for a file
 * that does not exist, whose name is the line, and strace(1) shows that.
 *
 * Signals come at any moment, but the same line must be told in every run: that at which the
 * innermost loop begins in which the program was at all these moments. Java's own library does not
 * count. If there is no loop, it is that of the innermost call that the program was in.
 *
 * Only what is used is declared here, by its number in the JVM Tool Interface 1.1
 * (https://docs.oracle.com/javase/8/docs/platform/jvmti/jvmti.html), so no header of a JDK is
 * needed. A machine without AsyncGetCallTrace shows nothing.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ASKS SIGTRAP /* the guest's kernel passes it on, and HotSpot leaves it alone */
#define MARK "/line"
#define READY MARK "s"

#define DEEPEST 1024
#define LONGEST 4096
#define MOST_COMMON 256

#define GET_ENV 6
#define JNI_VERSION 0x00010006
#define JVMTI_VERSION 0x30010100

/* Numbers of functions, from 1 on; of events, whose callbacks begin with the first. */
#define SET_EVENT_NOTIFICATION_MODE 2
#define GET_SOURCE_FILE_NAME 50
#define GET_CLASS_METHODS 52
#define GET_CLASS_LOADER 57
#define GET_LINE_NUMBER_TABLE 70
#define GET_BYTECODES 75
#define SET_EVENT_CALLBACKS 122
#define ADD_CAPABILITIES 142
#define FIRST_EVENT 50
#define VM_INIT 50
#define CLASS_LOAD 55
#define CLASS_PREPARE 56
#define EVENTS (CLASS_PREPARE - FIRST_EVENT + 1)

#define CAN_GET_BYTECODES (1 << 3)
#define CAN_GET_SOURCE_FILE_NAME (1 << 11)
#define CAN_GET_LINE_NUMBERS (1 << 12)

/* Bytecodes (The Java Virtual Machine Specification, 6.5). */
#define IINC 132
#define IFEQ 153
#define GOTO 167
#define TABLESWITCH 170
#define LOOKUPSWITCH 171
#define WIDE 196
#define IFNULL 198
#define IFNONNULL 199
#define GOTO_W 200

typedef void (*function)(void);
typedef const function **environment; /* of a Java machine, of JNI, and of JVMTI */

struct line {
	int64_t from; /* index of the first bytecode */
	int32_t number;
};

struct loop {
	int32_t first, last; /* indices of bytecodes */
	struct loop *next;   /* it begins later */
};

struct method {
	void *id;
	const char *file;
	int32_t count;
	const struct line *lines;
	struct loop *loops;
	struct method *next;
};

struct place {
	const struct method *method;
	int32_t at;
};

/* Places from the outermost on that were the same at each moment. */
struct common {
	struct place places[MOST_COMMON];
	int count;
};

struct frame {
	int32_t at; /* index of the bytecode, negative if it is not known */
	void *method;
};

struct trace {
	void *jni;
	int32_t count; /* of the frames; not positive if they are not known */
	struct frame *frames;
};

extern void AsyncGetCallTrace(struct trace *trace, int32_t depth, void *context)
	__attribute__((weak));

static environment machine;
static struct method *methods;
static struct common loops, calls;
static int asked;

static function numbered(environment of, int number)
{
	return (*of)[number - 1];
}

static const struct method *find(void *id)
{
	for (const struct method *one = methods; one; one = one->next)
		if (one->id == id)
			return one;
	return NULL;
}

static int line_at(const struct place *place)
{
	int64_t last = -1;
	int number = 0;

	for (int i = 0; i < place->method->count; i++) {
		const struct line *line = &place->method->lines[i];

		if (line->from <= place->at && line->from > last) {
			last = line->from;
			number = line->number;
		}
	}
	return number;
}

/* The program is at a place; `depth` others are outside of it. Keep it if it always was there. */
static void meet(struct common *common, int depth, const struct method *method, int32_t at)
{
	struct place *known = &common->places[depth];

	if (depth >= MOST_COMMON)
		return;
	if (!asked) {
		*known = (struct place){method, at};
		common->count = depth + 1;
	} else if (depth < common->count && (known->method != method || known->at != at)) {
		common->count = depth;
	}
}

static void end(struct common *common, int depth)
{
	if (depth < common->count)
		common->count = depth;
}

static void show(int signal, siginfo_t *info, void *context)
{
	static struct frame frames[DEEPEST];
	struct trace trace = {.frames = frames};
	const struct common *told;
	int in_loops = 0, in_calls = 0;
	char text[LONGEST];

	(void)signal, (void)info;
	((int32_t (*)(environment, void **, int32_t))(*machine)[GET_ENV])(
		machine, &trace.jni, JNI_VERSION);
	if (!trace.jni)
		return;
	AsyncGetCallTrace(&trace, DEEPEST, context);
	for (int i = trace.count - 1; i >= 0; i--) {
		const struct method *method = find(frames[i].method);

		if (!method || frames[i].at < 0)
			continue;
		meet(&calls, in_calls++, method, frames[i].at);
		for (const struct loop *loop = method->loops; loop; loop = loop->next)
			if (loop->first <= frames[i].at && frames[i].at <= loop->last)
				meet(&loops, in_loops++, method, loop->first);
	}
	if (!in_calls)
		return;
	end(&calls, in_calls);
	end(&loops, in_loops);
	asked = 1;
	told = loops.count ? &loops : &calls;
	if (!told->count)
		return;
	snprintf(text, sizeof(text), MARK " %d of %s", line_at(&told->places[told->count - 1]),
		 told->places[told->count - 1].method->file);
	access(text, F_OK);
}

static void begun(environment jvmti, environment jni, void *thread)
{
	struct sigaction action = {.sa_sigaction = show, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	(void)jvmti, (void)jni, (void)thread;
	sigemptyset(&action.sa_mask);
	if (AsyncGetCallTrace && !sigaction(ASKS, &action, NULL))
		access(READY, F_OK);
}

/* Without a callback for classes that are loaded, AsyncGetCallTrace refuses. */
static void loaded(environment jvmti, environment jni, void *thread, void *class)
{
	(void)jvmti, (void)jni, (void)thread, (void)class;
}

static int32_t word(const uint8_t *code)
{
	return (int32_t)((uint32_t)code[0] << 24 | code[1] << 16 | code[2] << 8 | code[3]);
}

static int32_t length_of(const uint8_t *code, int32_t at)
{
	static const struct {
		uint8_t last, length;
	} lengths[] = {
		{15, 1},  {16, 2},  {17, 3},  {18, 2},  {20, 3},  {25, 2},  {53, 1},	{58, 2},
		{131, 1}, {132, 3}, {152, 1}, {168, 3}, {169, 2}, {177, 1}, {184, 3},	{186, 5},
		{187, 3}, {188, 2}, {189, 3}, {191, 1}, {193, 3}, {195, 1}, {196, 4},	{197, 4},
		{199, 3}, {201, 5}, {255, 1},
	};
	const uint8_t *table = code + (at & ~3) + 4;
	int i = 0;

	if (code[at] == TABLESWITCH)
		return table - code - at + 12 + 4 * (word(table + 8) - word(table + 4) + 1);
	if (code[at] == LOOKUPSWITCH)
		return table - code - at + 8 + 8 * word(table + 4);
	if (code[at] == WIDE && code[at + 1] == IINC)
		return 6;
	while (code[at] > lengths[i].last)
		i++;
	return lengths[i].length;
}

/* A loop ends with a jump to where it begins; `continue` makes another such jump. */
static void add_loop(struct method *method, int32_t first, int32_t last)
{
	struct loop **place = &method->loops, *loop;

	while (*place && (*place)->first < first)
		place = &(*place)->next;
	if (*place && (*place)->first == first) {
		(*place)->last = last;
		return;
	}
	loop = malloc(sizeof(*loop));
	if (loop) {
		*loop = (struct loop){first, last, *place};
		*place = loop;
	}
}

static void find_loops(struct method *method, const uint8_t *code, int32_t size)
{
	for (int32_t at = 0; at < size; at += length_of(code, at)) {
		int32_t by = 1;

		if ((code[at] >= IFEQ && code[at] <= GOTO) || code[at] == IFNULL ||
		    code[at] == IFNONNULL)
			by = (int16_t)(code[at + 1] << 8 | code[at + 2]);
		else if (code[at] == GOTO_W)
			by = word(code + at + 1);
		if (by <= 0)
			add_loop(method, at + by, at);
	}
}

static void remember(environment jvmti, void *id, const char *file)
{
	struct method *method = calloc(1, sizeof(*method));
	uint8_t *code;
	int32_t size;

	if (!method)
		return;
	method->id = id;
	method->file = file;
	if (((int (*)(environment, void *, int32_t *, const struct line **))numbered(
		    jvmti, GET_LINE_NUMBER_TABLE))(jvmti, id, &method->count, &method->lines)) {
		free(method); /* it is native, or its class was compiled without lines */
		return;
	}
	if (!((int (*)(environment, void *, int32_t *, uint8_t **))numbered(jvmti, GET_BYTECODES))(
		    jvmti, id, &size, &code))
		find_loops(method, code, size);
	method->next = methods;
	methods = method;
}

/* Its methods' numbers must exist before AsyncGetCallTrace can tell them. */
static void prepared(environment jvmti, environment jni, void *thread, void *class)
{
	void *loader = NULL;
	char *file = NULL;
	void **ids = NULL;
	int32_t count = 0;

	(void)jni, (void)thread;
	if (((int (*)(environment, void *, void **))numbered(jvmti, GET_CLASS_LOADER))(
		    jvmti, class, &loader) ||
	    !loader) /* it is Java's own */
		return;
	if (((int (*)(environment, void *, char **))numbered(jvmti, GET_SOURCE_FILE_NAME))(
		    jvmti, class, &file) ||
	    ((int (*)(environment, void *, int32_t *, void ***))numbered(
		    jvmti, GET_CLASS_METHODS))(jvmti, class, &count, &ids))
		return;
	for (int32_t i = 0; i < count; i++)
		remember(jvmti, ids[i], file);
}

int32_t Agent_OnLoad(environment vm, char *options, void *reserved)
{
	static const function callbacks[EVENTS] = {
		[VM_INIT - FIRST_EVENT] = (function)begun,
		[CLASS_LOAD - FIRST_EVENT] = (function)loaded,
		[CLASS_PREPARE - FIRST_EVENT] = (function)prepared,
	};
	const uint32_t capabilities[4] = {CAN_GET_BYTECODES | CAN_GET_SOURCE_FILE_NAME |
					  CAN_GET_LINE_NUMBERS};
	const int events[] = {VM_INIT, CLASS_LOAD, CLASS_PREPARE};
	environment jvmti = NULL;

	(void)options, (void)reserved;
	machine = vm;
	if (((int32_t (*)(environment, void **, int32_t))(*vm)[GET_ENV])(
		    vm, (void **)&jvmti, JVMTI_VERSION) ||
	    ((int (*)(environment, const void *))numbered(jvmti, ADD_CAPABILITIES))(
		    jvmti, capabilities) ||
	    ((int (*)(environment, const void *, int32_t))numbered(jvmti, SET_EVENT_CALLBACKS))(
		    jvmti, callbacks, sizeof(callbacks)))
		return 0;
	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++)
		((int (*)(environment, int, int, void *, ...))numbered(
			jvmti, SET_EVENT_NOTIFICATION_MODE))(jvmti, 1, events[i], NULL);
	return 0;
}
