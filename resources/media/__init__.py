"""What is in a media file, and pictures of it, told by parsers that may be attacked by the file.

```
prober.py        the way in: look, thumbnail, frames; a DICOM series is judged as a whole (`dicom_series.py`)
parsers/         run in processes that can do nothing else (`resources/sandbox/`): images, video and audio, PDF, text, NIfTI, DICOM
worker.py        the program of such a process
unpacking.py     a ZIP of images, member by member
```

A parser never sees a credential, a connection or a path. It asks for ranges of bytes over a socket, and what it answers is
checked against its type before it is believed. What kills it is an error of the file.
"""
