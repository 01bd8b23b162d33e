"""Files kept by their content: images, audio, documents of collections and image folders.

```
<root>/media/objects/3f/3f8a...<64 digits>-000000     the bytes; the name says their SHA-256 and when the name was made
<root>/media/claims/datasets~photos/<session>-<sha>   the names that one version needs; its manifest names this file
<root>/media/writers/<session>/                       a writer at work, and what it is receiving
<root>/media/condemned/<20 digits>.names              names that nothing may rely on any more
```

A version of a collection is an ordinary table version: SQL, exporters and Python read it like any dataset. Its
property `media` names a *claim*, a sorted list of all objects that its rows refer to. A manifest of half a million
hashes would be read by everybody who only asks for the newest version; the claim is read by the collection alone.

**What holds.** An object is whole or absent: it is received under another name, hashed, made durable, then placed.
The same bytes have the same name, so two writers make one object. Nothing that a kept version names is removed, nor
anything that a writer at work is about to name, however slow the writer, the collector or the network is.

**Why.** Asking "does anybody name it?" and removing it are two steps, and a bucket cannot make them one. So:

1. A writer leaves its mark in `writers/`, then reads `condemned/`, and only then relies on objects that it finds.
   It never relies on a condemned name: the same bytes get a new name, which ends in the number of the newest list.
   A name that was condemned once and removed is never used again, so a late removal removes nothing new.
2. It writes its claim, publishes its manifest, and only then takes the mark away.
3. The collector writes a list of the names that are old and that no claim holds, *then* looks which writers are at
   work and writes that down too. A list is carried out when all of those have ended, by this collection or a later
   one. A writer that began after the list knows it and uses none of its names; one that began before has ended, so
   its claim can be seen. Only now the claims are read once more, and what none of them holds is removed.

What is needed before any version claims it, such as what a stopped import has kept and the catalog remembers, the caller of a
collection tells (`needed`). It is asked for before the claims are read, each of the two times.

A claim counts while a kept manifest names it, while its writer is at work, and while it is younger than the grace
period. Objects younger than that are never condemned.

**When it is lost.** A writer that keeps nothing for longer than the grace period is taken for dead, since each object that it
keeps is a sign of life, one an hour: its mark goes, and it is told so (`GoneError`) when it asks for its claim. What is not noticed: one that stands still for that long
between its claim and its manifest, or a collection that does so between reading the claims and its last removal
while the version that holds a name is collected as well. The rule is that of all versions: the grace period is at
least twice the longest run. A claim or a list that is damaged, or a claim that is missing, stops the collection: what it
names is unknown. If the whole folder of an item's claims is deleted by hand, the collection cannot know that there was one.

**What it costs.** A writer: one mark, one listing of the lists, one claim, and the listing of each of the 256
folders of objects that it needs, once; no request for an object that is there. Half a million objects take some
190 MB of memory, and 36 MB in the claim. Bytes that are wanted again while their old name waits for its removal lie
there twice until then. A collector: one listing of all objects, folder by folder, and the claims, which are looked
into where they lie; a request for each object that goes. Only `collect.py` removes what others may see.
"""
