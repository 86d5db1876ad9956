"""The places where others' crawlers and engines meet the detector, a module for each.

A module is imported by whoever uses it, and names the extra that brings its engine. None holds a loaded bundle in what
an engine pickles: `loading` loads it once in each process.
"""
