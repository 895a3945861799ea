/* A PKCS#11 module that hands every call on to the module BENT_REAL, except
 * for what BENT_HOW says. It adds a line to BENT_LOGINS at each C_Login. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OK = 0, GENERAL_ERROR = 0x5, DEVICE_REMOVED = 0x32, PIN_LOCKED = 0xa4 };
enum { PAD = 0x100, COUNT_LOW = 0x10000, FINAL_TRY = 0x20000, LOCKED = 0x40000 };
enum { GET_TOKEN_INFO = 6, OPEN_SESSION = 12, LOGIN = 18, SIGN = 43, FUNCTIONS = 68 };

typedef unsigned long number;
typedef void (*function)(void);

struct list {
    unsigned char version[2];
    function at[FUNCTIONS];
};

struct token_info {
    unsigned char texts[96];
    number flags;
    number counts[10];
    unsigned char versions[4];
    unsigned char time[16];
};

static struct list *real, bent;

static int is(const char *how) {
    const char *asked = getenv("BENT_HOW");
    return asked && strcmp(asked, how) == 0;
}

static number get_token_info(number slot, struct token_info *info) {
    number result = ((number (*)(number, struct token_info *))real->at[GET_TOKEN_INFO])(slot, info);
    if (result == OK) {
        info->flags |= is("final-try") ? FINAL_TRY : is("locked") ? LOCKED : is("pin-pad") ? PAD : 0;
        info->flags |= is("count-low") ? COUNT_LOW : 0;
    }
    return result;
}

static number login(number session, number user, const char *pin, number length) {
    FILE *log = fopen(getenv("BENT_LOGINS"), "a");
    fputs("login\n", log);
    fclose(log);
    if (is("locked-at-login"))
        return PIN_LOCKED;
    if (is("pin-pad") && !pin)
        pin = "1234", length = 4;
    return ((number (*)(number, number, const char *, number))real->at[LOGIN])(session, user, pin, length);
}

static number sign(number session, void *data, number length, unsigned char *signature, number *size) {
    if (is("removed"))
        return DEVICE_REMOVED;
    if (is("failing"))
        return GENERAL_ERROR;
    /* Room for the byte too many, which the real module must not see. */
    if (is("too-long") && signature)
        *size -= 1;
    number result = ((number (*)(number, void *, number, unsigned char *, number *))real->at[SIGN])(
        session, data, length, signature, size);
    if (result != OK)
        return result;
    if (is("too-long")) {
        if (signature)
            signature[*size] = 0;
        *size += 1;
    }
    if (!signature)
        return result;
    if (is("flipped"))
        signature[*size / 2] ^= 1;
    if (is("truncated"))
        *size -= 1;
    if (is("empty"))
        *size = 0;
    if (is("zero"))
        memset(signature, 0, *size);
    if (is("ones"))
        memset(signature, 0xff, *size);
    return result;
}

number C_GetFunctionList(struct list **out) {
    if (is("unlisted"))
        return GENERAL_ERROR;
    void *library = dlopen(getenv("BENT_REAL"), RTLD_NOW);
    number (*get)(struct list **) = (number (*)(struct list **))dlsym(library, "C_GetFunctionList");
    number result = get(&real);
    bent = *real;
    bent.at[GET_TOKEN_INFO] = (function)get_token_info;
    bent.at[LOGIN] = (function)login;
    bent.at[SIGN] = is("without-sign") ? 0 : (function)sign;
    if (is("without-sessions"))
        bent.at[OPEN_SESSION] = 0;
    *out = &bent;
    return result;
}
