#include "sched/symbol.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/print.h"
#include <rt/attr.h>

enum { NOT_YET, LOADING, LOADED };

/* The program's file. Written by the one thread that moved state to LOADING, read by all once it is LOADED. */
static struct {
    _Atomic(uint32_t) state;
    uintptr_t bias, lo, hi; /* code is at [lo, hi); bias: address - bias is the file's */
    const ElfW(Sym) * syms;
    size_t sym_count;
    const char *names;
    size_t names_bytes;
    char file[512];
} program;

struct file {
    const char *at;
    size_t bytes;
};

/* Section s of f as an array of elements, or NULL where it leaves the file. */
static const void *section(const struct file *f, const ElfW(Shdr) * s)
{
    if (s->sh_offset > f->bytes || s->sh_size > f->bytes - s->sh_offset)
        return NULL;
    return f->at + s->sh_offset;
}

static const ElfW(Shdr) * sections(const struct file *f, size_t *n)
{
    const ElfW(Ehdr) *e = (const void *)f->at;
    if (f->bytes < sizeof *e || memcmp(e->e_ident, ELFMAG, SELFMAG) != 0 || e->e_shentsize != sizeof(ElfW(Shdr)) ||
        e->e_shoff > f->bytes || e->e_shnum > (f->bytes - e->e_shoff) / sizeof(ElfW(Shdr)))
        return NULL;
    *n = e->e_shnum;
    return (const void *)(f->at + e->e_shoff);
}

static void read_symbols(const struct file *f)
{
    size_t n = 0;
    const ElfW(Shdr) *all = sections(f, &n);
    for (size_t i = 0; all && i < n; i++) {
        if (all[i].sh_type != SHT_SYMTAB || all[i].sh_link >= n)
            continue;
        const ElfW(Shdr) *strings = &all[all[i].sh_link];
        const ElfW(Sym) *syms = section(f, &all[i]);
        const char *names = section(f, strings);
        if (!syms || !names || strings->sh_size == 0 || names[strings->sh_size - 1] != '\0')
            return;
        program.syms = syms;
        program.sym_count = all[i].sh_size / sizeof *syms;
        program.names = names;
        program.names_bytes = strings->sh_size;
        return;
    }
}

/* Where the program is loaded: its program headers are in memory, and the kernel says where. */
static void find_code(void)
{
    const ElfW(Phdr) *ph = (const void *)getauxval(AT_PHDR);
    size_t n = getauxval(AT_PHNUM);
    for (size_t i = 0; ph && i < n; i++)
        if (ph[i].p_type == PT_PHDR)
            program.bias = (uintptr_t)ph - ph[i].p_vaddr;
    for (size_t i = 0; ph && i < n; i++)
        if (ph[i].p_type == PT_LOAD && (ph[i].p_flags & PF_X)) {
            program.lo = program.bias + ph[i].p_vaddr;
            program.hi = program.lo + ph[i].p_memsz;
        }
}

static void load(void)
{
    struct stat st;
    find_code();
    ssize_t n = readlink("/proc/self/exe", program.file, sizeof program.file - 1);
    program.file[n > 0 ? n : 0] = '\0';
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && st.st_size > 0) {
        void *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        struct file f = {at, (size_t)st.st_size};
        if (at != MAP_FAILED)
            read_symbols(&f);
    }
    close(fd);
}

/* False while another thread, or the code that a signal interrupted, is at it: then dladdr has to do. */
static bool ready(void)
{
    uint32_t state = load_acq(&program.state); /* pairs with store_rel below */
    if (state == LOADED)
        return true;
    if (state != NOT_YET || !cas_acq(&program.state, &state, LOADING)) /* one loader */
        return false;
    load();
    store_rel(&program.state, LOADED); /* pairs with load_acq above */
    return true;
}

static bool covers(const ElfW(Sym) * s, uintptr_t at)
{
    return s->st_shndx != SHN_UNDEF && (s->st_info & 0xf) == STT_FUNC && at - s->st_value < s->st_size &&
           s->st_name < program.names_bytes;
}

static bool in_program(uintptr_t at, struct rti_symbol *out)
{
    if (!ready() || at < program.lo || at >= program.hi || !program.file[0])
        return false;
    *out = (struct rti_symbol){.file = program.file, .base = program.bias};
    for (size_t i = 0; i < program.sym_count; i++) {
        const ElfW(Sym) *s = &program.syms[i];
        if (!covers(s, at - program.bias))
            continue;
        out->name = program.names + s->st_name;
        out->start = s->st_value + program.bias;
        break;
    }
    return true;
}

bool rti_symbol_find(uintptr_t at, struct rti_symbol *out)
{
    Dl_info info;
    if (in_program(at, out) && out->name)
        return true;
    *out = (struct rti_symbol){0};
    if (!dladdr((const void *)at, &info) || !info.dli_fname)
        return false;
    *out = (struct rti_symbol){info.dli_sname, (uintptr_t)info.dli_saddr, info.dli_fname, (uintptr_t)info.dli_fbase};
    return true;
}

const struct rti_symbol *rti_symbol_cached(struct rti_symbol_cache *cache, uintptr_t at)
{
    size_t i = (at ^ at >> 6) % RTI_SYMBOL_CACHE;
    if (cache->of[i].at != at) {
        cache->of[i].at = at;
        rti_symbol_find(at, &cache->of[i].symbol);
    }
    return &cache->of[i].symbol;
}

void rti_symbol_print(const char *prefix, const void *at)
{
    struct rti_symbol s;
    if (!rti_symbol_find((uintptr_t)at, &s))
        rti_print_text("%s%p\n", prefix, at);
    else if (s.name)
        rti_print_text("%s%s+0x%lx (%s)\n", prefix, s.name, (unsigned long)((uintptr_t)at - s.start), s.file);
    else /* addr2line -e file offset */
        rti_print_text("%s%p (%s+0x%lx)\n", prefix, at, s.file, (unsigned long)((uintptr_t)at - s.base));
}
